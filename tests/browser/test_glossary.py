"""A term of the glossary in JupyterLab: told from other links, explained when it has the focus, and it leads there."""

from __future__ import annotations

import shutil

import nbformat
from nbformat import v4
from playwright.sync_api import Browser, expect

from tests.browser.conftest import SCRATCH, put_into
from tools.browser.lab import Lab, new_page, open_notebook
from tools.docs.links import PAGE, link_first_uses
from tools.docs.terms import read_terms
from tools.notebooks.run import NOTEBOOKS


def test_a_term_says_what_it_means_and_opens_the_glossary(browser: Browser, lab: Lab) -> None:
    name = put_into(lab, "words", SCRATCH)
    path = lab.root / name
    shutil.copy(NOTEBOOKS / PAGE, path.parent)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells += [v4.new_markdown_cell(link_first_uses(["Draw a minibatch."], read_terms())[0])]
    nbformat.write(notebook, path)
    opened = open_notebook(new_page(browser), lab, name)
    opened.run_all()
    page = opened.page
    term = page.locator(".jp-RenderedMarkdown a[title]")
    expect(term).to_have_text("minibatch")
    sentence = next(term.sentence for term in read_terms() if term.name == "minibatch")
    expect(term).to_have_attribute("title", sentence)
    expect(term).to_have_css("text-decoration-style", "dotted")  # the explorer has brought its sheet
    page.keyboard.press("Tab")
    term.focus()
    assert term.evaluate("term => getComputedStyle(term, '::after').content") == f'"{sentence}"'
    term.press("Enter")
    expect(page.locator("h1", has_text="Glossary")).to_be_visible()
    assert opened.collect() == []
    opened.close()
