"""What of a page is seen: text, breaks, pictures, links; and what is hidden, by each of the ways to hide it."""

from __future__ import annotations

import pytest

from models.html import Effort, Page
from models.html import read as read_within
from models.links import Link


def read(page: str) -> Page:
    return read_within(page, Effort())


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("one\n  two\tthree", "one two three"),
        ("a<b>b</b>c <i> d</i>", "abc d"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<div><div>one</div></div>two<br>three", "one\ntwo\nthree"),
        ("one<br><br>two", "one\n\ntwo"),
        ("<p>one</p><p>two</p>three", "one\n\ntwo\n\nthree"),
        ("<table><tr><td>one<td>two</table>", "one\ntwo"),
        ("<ul><li>one<li>two</ul>", "one\ntwo"),
        ("<pre>one\n  two</pre>", "one\ntwo"),
        ("&lt;b&gt; &amp; &euro;5&nbsp;&#8364;6 &nonsense; &#0;", "<b> & €5 €6 &nonsense; \ufffd"),
        ("a<script>x('<p>')</script><style>p{}</style><title>t</title>b", "ab"),
        ("a<!-- x --><![if !mso]>b<![endif]><!--[if mso]>c<![endif]-->", "ab"),
        ("<img alt='A prize'><img alt=''><img src=x>", "A prize"),
        ("w\0in", "win"),
        ("<p>one<p hidden>two", "one"),
        ("<!--#rotate>Buy this", "#rotate>Buy this"),
        ("", ""),
    ],
)
def test_text(page: str, text: str) -> None:
    assert read(page).text == text


@pytest.mark.parametrize(
    "hiding",
    [
        "<div style='display:none'>lunch</div>",
        "<div style='DISPLAY : None !important; color: red'>lunch</div>",
        "<div style='display:none'><p style='display:block'>lunch</p></div>",
        "<div style='visibility:hidden'>lunch</div>",
        "<div style='opacity:0'>lunch</div>",
        "<div style='opacity: .01'>lunch</div>",
        "<div style='max-height:0px;overflow:hidden'>lunch</div>",
        "<div style='text-indent:-9999px'>lunch</div>",
        "<div style='font-size:0'>lunch</div>",
        "<div style='font-size:1px'>lunch</div>",
        "<div style='font-size:2pt'>lunch</div>",
        "<div style='font-size:0.1em'>lunch</div>",
        "<div style='font-size:1%'><b style='font-size:300%'>lunch</b></div>",
        "<div style='font:0/0 a'>lunch</div>",
        "<div style='color:white'>lunch</div>",
        "<div style='color:#fefefe'>lunch</div>",
        "<div style='color:rgb(250, 250, 250)'>lunch</div>",
        "<div style='color:transparent'>lunch</div>",
        "<div style='color:red;background:#f00 none'>lunch</div>",
        "<div style='background-color:navy'><font color=#000080>lunch</font></div>",
        "<font color=white>lunch</font>",
        "<font color=FFFFFF>lunch</font>",
        "<table bgcolor=black><tr><td><font color='#000000'>lunch</font></table>",
        "<p hidden>lunch</p>",
        "<style>.x{display:none}</style><p class='y x'>lunch</p>",
        "<style>#x, .y {font-size:0}</style><p id=x>lunch</p>",
        "<style>p.x{color:#fff!important}</style><p class=x style='color:red'>lunch</p>",
        "<style>b{visibility:hidden}</style><b>lunch</b>",
        "<img style='display:none' alt='lunch'>",
    ],
)
def test_what_cannot_be_seen_is_left_out_and_counted(hiding: str) -> None:
    page = read(f"<body>Win {hiding} now</body>")
    assert page.text.split() == ["Win", "now"]
    assert page.hidden == len("lunch")


@pytest.mark.parametrize(
    "shown",
    [
        "<div style='display:none;display:block'>lunch</div>",
        "<div hidden style='display:block'>lunch</div>",
        "<style>.x{display:block!important}</style><p class=x style='display:none'>lunch</p>",
        "<style>@media print{.x{display:none}}</style><p class=x>lunch</p>",
        "<div style='visibility:hidden'><b style='visibility:visible'>lunch</b></div>",
        "<div style='font-size:0'><b style='font-size:14px'>lunch</b></div>",
        "<div style='font-size:0'><font size=2>lunch</font></div>",
        "<div style='font-size:0'><b style='font-size:small'>lunch</b></div>",
        "<div style='max-height:0'>lunch</div>",
        "<div style='background:black;color:white'>lunch</div>",
        "<table bgcolor=000000><tr><td><font color=white>lunch</font></table>",
        "<table background=x.gif><tr><td><font color=white>lunch</font></table>",
        "<div style='background:url(x.gif)'><font color=white>lunch</font></div>",
        "<div style='background:linear-gradient(red,blue)'><font color=white>lunch</font></div>",
        "<style>td{background:#008}</style><table><tr><td><font color=white>lunch</font></table>",
        "<font color=white><a href=http://x.example>lunch</a></font>",
        "<div style='font-family:\"; display:none; \"'>lunch</div>",
        "<div style='background-image:url(;display:none;)'>lunch</div>",
        "<div style='color:#777'>lunch</div>",
    ],
)
def test_what_can_be_seen_is_not_taken_for_hidden(shown: str) -> None:
    page = read(f"<body>Win {shown} now</body>")
    assert page.text.split() == ["Win", "lunch", "now"]
    assert page.hidden == 0


def test_where_nothing_can_be_seen_all_is_read() -> None:
    page = read("<body bgcolor=white text=white>Win now")
    assert (page.text, page.hidden) == ("Win now", 0)


def test_links_with_what_is_seen_of_them() -> None:
    page = read(
        "<a href=' http://a.exa\nmple/?x=1&amp;y '>Click <b>here</b><i style='display:none'>no</i></a>"
        "<a href='http://b.example'><img src=x alt='our shop'></a><a href='#top'>up</a><a name=x>z</a>"
        "<a href='http://c.example'>left open <a href='http://d.example'>last"
        "<div style='display:none'><a href='http://e.example'>gone</a></div>"
    )
    assert page.links == [
        Link("http://a.example/?x=1&y", "Click here"),
        Link("http://b.example", "our shop"),
        Link("http://c.example", "left open"),
        Link("http://d.example", "last"),
    ]
