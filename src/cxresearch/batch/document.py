"""The frame of every page: one file, nothing loaded from elsewhere, Chinese letters on any machine."""

import base64
import io
import re
from html import escape
from pathlib import Path

from cxresearch import style

FAMILY = "cx-hans"
"""The font a page carries; page.css and gallery.css name it after the fonts of the reader's system."""


def document(body: str, *, title: str, css: Path, language: str, policy: str) -> str:
    """Return a page that stands alone.

    Parameters
    ----------
    body : str
        HTML of the body.
    title : str
        Plain text.
    css : Path
        Style sheet; it goes into the page.
    language : {"en", "zh"}
        Language of the page.
    policy : str
        What the page may load beyond its own styles and fonts, as a content-security policy.
    """
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; font-src data:; base-uri 'none'; form-action 'none'; {policy}"
    )
    return "\n".join(
        (
            "<!doctype html>",
            f'<html lang="{"zh-Hans" if language == "zh" else "en"}">',
            '<head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{chinese_letters(body)}{css.read_text(encoding='utf-8')}</style></head>",
            f"<body><main>{body}</main></body></html>\n",
        )
    )


def chinese_letters(html: str) -> str:
    """Return a style rule with the Chinese letters of a page, or nothing where there are none.

    They are cut out of the font that figures use: some 60 KB for a report.

    Parameters
    ----------
    html : str
        The page; images inside it are passed over.
    """
    text = re.sub(r"base64,[A-Za-z0-9+/=\s]+", "", html)
    letters = {ord(letter) for letter in text if ord(letter) >= 0x2E80}
    if not letters:
        return ""
    from fontTools import subset

    options = subset.Options(flavor="woff", hinting=False, layout_features=[], notdef_outline=True)
    options.drop_tables += ["GDEF", "GPOS", "GSUB"]  # how letters join: not needed for Chinese, slow to cut
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=letters)
    file = io.BytesIO()
    with subset.load_font(str(style.chinese_font_file()), options) as font:
        cutter.subset(font)
        subset.save_font(font, file, options)
    data = base64.b64encode(file.getvalue()).decode()
    return f'@font-face{{font-family:"{FAMILY}";src:url(data:font/woff;base64,{data})}}\n'
