"""Markdown becomes HTML that can do nothing, and that our pages can show."""

from core import markdown

TABLE = "| Tier | Price |\n|---|--:|\n| Basic | $29 |\n"


def test_it_runs_nothing() -> None:
    html = markdown.render("<script>alert(1)</script>\n\n[x](javascript:alert(1)) ![y](https://evil.example/y.png)")
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert "<img" not in html


def test_table_scrolls_in_a_frame_and_has_no_inline_style() -> None:
    html = markdown.render(TABLE)
    assert '<div class="table-scroll" role="region" tabindex="0" aria-label="Table">\n<table class="table">' in html
    assert '<td class="num">$29</td>' in html
    assert "style=" not in html


def test_links_say_that_they_are_not_ours() -> None:
    assert 'href="https://acme.example" rel="nofollow ugc"' in markdown.render("[us](https://acme.example)", rel="nofollow ugc")
    assert "rel=" not in markdown.render("[us](https://acme.example)")


def test_first_heading_is_the_second_of_the_page() -> None:
    assert "<h2>Terms</h2>" in markdown.render("# Terms")
