"""What a base can't show is said once and travels to everything that depends on it."""

import pytest

from customerbase.errors import CannotSay
from customerbase.unsaid import Unsaid, says_why_not

REASON = Unsaid("The ledger holds no margins.")


@says_why_not
def step(*args, **kwargs):
    """Answer with what was given."""
    return args, kwargs


def test_a_step_that_cannot_say_returns_the_reason():
    @says_why_not
    def profit():
        raise CannotSay("The ledger holds no margins.")

    assert profit() == REASON


def test_a_step_that_can_answer_returns_its_answer_untouched():
    answer = [1, 2]
    assert step(answer, key=3) == ((answer,), {"key": 3})


@pytest.mark.parametrize(
    ("args", "kwargs"), [((REASON,), {}), ((1, REASON), {}), ((), {"a": REASON}), ((1,), {"b": REASON})]
)
def test_a_step_given_a_reason_passes_it_on_without_being_taken(args, kwargs):
    assert step(*args, **kwargs) is REASON


def test_the_first_reason_given_is_the_one_that_travels():
    assert step(Unsaid("first"), Unsaid("second"), last=Unsaid("third")) == Unsaid("first")


def test_a_reason_travels_through_a_chain_of_steps():
    @says_why_not
    def fit():
        raise CannotSay("Nobody came back.")

    assert step(1, step(step(fit()))) == Unsaid("Nobody came back.")


def test_any_other_error_is_no_reason_and_stays_an_error():
    @says_why_not
    def broken():
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        broken()


def test_a_step_keeps_its_name_and_docstring():
    assert (step.__name__, step.__doc__) == ("step", "Answer with what was given.")


def test_the_sentence_shows_in_text_as_it_is_and_in_html_escaped():
    shown = Unsaid('No <script>alert("x")</script> & no margins.')._repr_mimebundle_()
    assert shown["text/plain"] == 'No <script>alert("x")</script> & no margins.'
    assert shown["text/html"] == (
        '<p class="cb-note">No &lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; no margins.</p>'
    )
