"""Sphinx's settings for the site; its sources are written by rpnviz/site/pages.py. See docs/site.md."""

project = "rpnviz"
html_title = "rpnviz"
language = "en"

extensions = ["myst_nb", "rpnviz.site.mathml"]
myst_heading_anchors = 3
myst_heading_slug_func = "rpnviz.site.headings.heading_id"  # JupyterLab's, so that one link does for both
myst_enable_extensions = ["dollarmath"]
html_math_renderer = "mathml"
html_theme = "furo"
html_favicon = "static/icon.svg"
html_css_files = ["common/rpnviz.css", "saved/saved.css", "site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
exclude_patterns = ["static"]

nb_execution_mode = "off"  # executed.py has done it
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # ours need none, and these would come from another host
nb_merge_streams = True
myst_links_external_new_tab = False
suppress_warnings = ["mystnb.lexer"]

html_show_sourcelink = False
html_copy_source = False
html_show_copyright = False
html_show_search_summary = False  # it would fetch the pages it finds, which file:// forbids
html_use_index = False
html_theme_options = {"top_of_page_buttons": [], "navigation_with_keys": False}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
