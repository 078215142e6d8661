"""Make HTML that came out of a notebook safe to show.

A notebook's markdown and its HTML outputs hold text that nobody here wrote: customers' names, and whatever an
analyst's own cell displays. What passes is an allow-list of tags and attributes, wide enough for our own
tables, notes and findings. Everything else is shown as the text it is.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bleach.sanitizer import Cleaner


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TAGS = _words(
    """
    a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure
    h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark meter ol p pre q s samp section small span strong sub
    summary sup table tbody td tfoot th thead time tr u ul var
    """
)

_EVERYWHERE = _words(
    """
    aria-describedby aria-hidden aria-label aria-labelledby class data-verdict dir id lang role tabindex title
    """
)

_BY_TAG: dict[str, frozenset[str]] = {
    "a": frozenset({"href"}),
    "col": frozenset({"span"}),
    "colgroup": frozenset({"span"}),
    "details": frozenset({"open"}),
    "img": frozenset({"alt", "height", "src", "width"}),
    "meter": frozenset({"high", "low", "max", "min", "optimum", "value"}),
    "ol": frozenset({"reversed", "start", "type"}),
    "td": frozenset({"colspan", "headers", "rowspan", "style"}),
    "th": frozenset({"abbr", "colspan", "headers", "rowspan", "scope", "style"}),
    "time": frozenset({"datetime"}),
    "tr": frozenset({"style"}),
}

# A link may lead out of the page, a picture must be inside it.
_LINK = re.compile(r"\s*(https?://|mailto:|#|\.{0,2}/|[\w.-]+(/|\.html|#|$))", re.IGNORECASE)
_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml)[;,]", re.IGNORECASE)

_STYLE_ELEMENT = re.compile(r"<style\b[^>]*>.*?</style\s*>", re.IGNORECASE | re.DOTALL)
_SCRIPT_ELEMENT = re.compile(r"<script\b([^>]*)>(.*?)</script\s*>", re.IGNORECASE | re.DOTALL)
_NO_SCRIPT = '<p class="cb-note">This output needs a script, which these pages do not run.</p>'
_LONGEST_SCRIPT_SHOWN = 200


def clean(html: str) -> str:
    """Return HTML without anything that could run, load or restyle.

    Parameters
    ----------
    html : str
        Markup from a notebook.

    Returns
    -------
    str
        The same markup with only harmless tags and attributes left. A tag that isn't allowed stays readable
        as text, so a customer called ``<script>`` keeps the name.
    """
    # pandas puts a style element in front of every frame it shows; as text it would be noise.
    html = _STYLE_ELEMENT.sub("", html)
    # An interactive figure is a script of megabytes. A short one is more likely a name, and is shown as such.
    html = _SCRIPT_ELEMENT.sub(_drop_long_script, html)
    return _cleaner().clean(html)


def _drop_long_script(found: re.Match[str]) -> str:
    attributes, body = found.groups()
    if len(body) > _LONGEST_SCRIPT_SHOWN or "src" in attributes.lower():
        return _NO_SCRIPT
    return found.group(0)


def _allowed(tag: str, attribute: str, value: str) -> bool:
    if attribute in _EVERYWHERE:
        return True
    if attribute not in _BY_TAG.get(tag, ()):
        return False
    if attribute == "href":
        return _LINK.match(value) is not None
    if attribute == "src":
        return _PICTURE.match(value) is not None
    return True


@cache
def _cleaner() -> Cleaner:
    from bleach.css_sanitizer import CSSSanitizer
    from bleach.sanitizer import Cleaner

    return Cleaner(
        tags=_TAGS,
        attributes=_allowed,
        protocols={"http", "https", "mailto", "data"},
        css_sanitizer=CSSSanitizer(allowed_css_properties=["text-align"]),
    )
