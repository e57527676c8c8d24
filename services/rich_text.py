"""Rich text that WeChat's <rich-text> accepts: cleaned once, when it is written."""

from __future__ import annotations

import nh3

MAX_LENGTH = 100_000
"""Characters of a description; a page beyond that is a mistake."""

_TAGS = (
    "abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup"
    " dd del div dl dt em fieldset footer h1 h2 h3 h4 h5 h6 header hr i img ins legend li mark nav"
    " ol p pre q rt ruby s section small span strong sub sup table tbody td tfoot th thead tr tt u"
    " ul"
)
"""The component's list of trusted tags, less those that do nothing in it, such as links."""
_CELL = {"colspan", "rowspan", "width", "height"}
_ATTRIBUTES = {
    "*": {"style"},
    "bdo": {"dir"},
    "col": {"span", "width"},
    "colgroup": {"span", "width"},
    "img": {"alt", "src", "width", "height"},
    "ol": {"start", "type"},
    "table": {"width"},
    "td": _CELL,
    "th": _CELL,
}
_STYLES = (
    "background-color border border-collapse border-radius color display font-size font-style"
    " font-weight height letter-spacing line-height margin margin-bottom margin-left margin-right"
    " margin-top max-width padding padding-bottom padding-left padding-right padding-top"
    " text-align text-decoration text-indent vertical-align white-space width word-break"
)
"""What shapes text; nothing that covers the page or fetches from elsewhere."""

_CLEANER = nh3.Cleaner(
    tags=set(_TAGS.split()),
    clean_content_tags={"script", "style", "iframe", "object", "template", "title"},
    attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
    filter_style_properties=set(_STYLES.split()),
    url_schemes={"https"},
    # The component has no address of its own that a relative one could start from.
    url_relative="deny",
    link_rel=None,
)


def clean_html(html: str) -> str:
    """Return the text with only what <rich-text> shows; everything else is dropped.

    Raises:
        ValueError: longer than `MAX_LENGTH`.
    """
    if len(html) > MAX_LENGTH:
        raise ValueError(f"a description has at most {MAX_LENGTH} characters")
    return _CLEANER.clean(html)
