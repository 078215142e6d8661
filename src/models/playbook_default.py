"""The rules that decide where an analyst writes none: what practice does with a customer, the most pressing first."""

from typing import Any

_STILL_HERE = {"rung": "!= left"}
_GONE = {"rung": "= left"}
_NEW_TERMS = "New terms: a smaller discount, larger orders, or delivery that is paid for"

#: As an analyst would write them under `playbook` in the parameter file.
DEFAULT_RULES: tuple[dict[str, Any], ...] = (
    {
        "action": "change terms",
        "when": {**_STILL_HERE, "profit": "< 0", "abc": "in A, B"},
        "because": "Buys much ({revenue}, class {abc}), yet profit is {profit}: it costs more than it brings",
        "offer": _NEW_TERMS,
    },
    {
        "action": "change terms",
        "when": {**_STILL_HERE, "profit": "< 0", "key_account": "= yes"},
        "because": "A key account ({criteria}), yet profit is {profit}",
        "offer": _NEW_TERMS,
    },
    {
        "action": "change terms",
        "when": {**_STILL_HERE, "profit": "< 0", "unused_potential": "> 0 and in top 20%"},
        "because": "Profit is {profit}, but {unused_potential} a year is bought elsewhere: worth one talk about terms",
        "offer": _NEW_TERMS + ", for a larger share of what they buy",
    },
    {
        "action": "keep at low cost",
        "when": {**_STILL_HERE, "profit": "< 0", "purchases": "<= 1", "days_since_last": "<= 180"},
        "because": "One purchase so far, {days_since_last} days ago, at a profit of {profit}: too early to judge",
        "offer": "A welcome, and the standard terms",
    },
    {
        "action": "let go",
        "when": {"profit": "< 0"},
        "because": "Profit is {profit} on {revenue} of revenue (class {abc}), and nothing recorded promises more",
        "offer": "Standard prices, paid in advance, no calls; a polite farewell if that is not wanted",
    },
    {
        "action": "win back",
        "when": {**_GONE, "key_account": "= yes"},
        "because": "A key account ({criteria}) that has probably left: silent for {days_since_last} days, still a "
        "customer with a probability of {p_alive}",
        "offer": "A visit by the head of sales: what went wrong, and what would bring them back",
    },
    {
        "action": "win back",
        "when": {**_GONE, "abc": "in A, B"},
        "because": "Brought {revenue} (class {abc}) and has probably left: silent for {days_since_last} days, still a "
        "customer with a probability of {p_alive}",
        "offer": "A call that asks why, and a reason to come back: {most_bought} at a price held for a month",
    },
    {
        "action": "win back",
        "when": {**_GONE, "value_if_alive": "> 0 and in top 10%"},
        "because": "Small so far, but would be worth {value_if_alive} as a customer; still one with a probability of "
        "{p_alive}",
        "offer": "A letter with a reason to come back: {most_bought}",
    },
    {
        "action": "protect",
        "when": {"key_account": "= yes", "silent": "= yes"},
        "because": "A key account ({criteria}) silent for {days_since_last} days, longer than its own rhythm explains",
        "offer": "A call today by whoever knows them best, to ask what is amiss",
    },
    {
        "action": "protect",
        "when": {"key_account": "= yes"},
        "because": "A key account ({criteria}) that brings {share} of all revenue",
        "offer": "A plan for the year agreed with them, one person to turn to, first call on {most_bought}",
    },
    {
        "action": "protect",
        "when": {"clv": "> 0 and in top 10%"},
        "because": "Among the tenth worth most: {clv} expected; probability of still being a customer: {p_alive}",
        "offer": "Thanks, first call on what is new, and help at once when something goes wrong",
    },
    {
        "action": "protect",
        "when": {"clv": "is not known", "abc": "= A", "revenue": "in top 10%"},
        "because": "Among the tenth that brought most: {revenue}",
        "offer": "Thanks, first call on what is new, and help at once when something goes wrong",
    },
    {
        "action": "develop",
        "when": {**_STILL_HERE, "unused_potential": "> 0 and in top 20%"},
        "because": "Buys for {unused_potential} a year elsewhere",
        "offer": "What they still buy elsewhere, beside {most_bought}; a discount that grows with their share",
    },
    {
        "action": "develop",
        "when": {**_STILL_HERE, "abc": "in A, B", "growth": ">= 25%"},
        "because": "Growing: revenue of the last year rose by {growth} against the year before",
        "offer": "More of what goes with {most_bought}",
    },
    {
        "action": "develop",
        "when": {"rung": "in client, regular, adherent, advocate", "abc": "= A", "rung_change": "= up"},
        "because": 'Climbed the ladder within a year, from "{rung_a_year_ago}" to "{rung}"',
        "offer": "More of what goes with {most_bought}",
    },
    {
        "action": "develop",
        "when": {"rung": "= buyer", "abc": "= A", "clv": "in top 30%", "days_to_due": ">= -30 and <= 30"},
        "because": "Bought once, for {revenue}, {days_since_last} days ago: the second purchase is due",
        "offer": "Something that goes with the first purchase: {most_bought}",
    },
    {
        "action": "hand over",
        "when": {**_STILL_HERE, "abc": "= C", "serving_share": ">= 50%"},
        "because": "Small (class C), and serving costs {cost_to_serve}, {serving_share} of what they leave before it",
        "offer": "A dealer nearby, the shop or the web shop, at the prices that hold there",
    },
    {
        "action": "keep at low cost",
        "when": {"purchases": "= 0"},
        "because": "Nothing that was bought stood: all of it was returned",
        "offer": "Nothing for now",
    },
    {
        "action": "keep at low cost",
        "when": _GONE,
        "because": "Has probably left, and brought {revenue} only (class {abc}): not worth a call",
        "offer": "Mailings that cost next to nothing",
    },
    {
        "action": "keep at low cost",
        "because": "Nothing presses: class {abc}, purchases so far {purchases}, the last {days_since_last} days ago",
        "offer": "Mailings and self-service, with {most_bought}",
    },
)
