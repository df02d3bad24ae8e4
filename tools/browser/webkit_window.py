"""The browser that WebKitWebDriver starts: bare windows of WebKitGTK, for `webkit.py`.

    /usr/bin/python3 webkit_window.py FOLDER/LOG

It needs Debian's python3-gi, so it runs in the system's Python and imports nothing of rpnviz. WebKitGTK's own
MiniBrowser would do but for one thing: driven, it is private, and a private WebKit writes no console messages. Here
they go to LOG, those of a page that is still loading as well, and what could not be loaded. What pages store goes into
FOLDER.
"""

from __future__ import annotations

import os
import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import GLib, Gtk, WebKit2  # noqa: E402


def main() -> None:
    """Wait for the driver and open the windows that it asks for."""
    log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(log, stream)  # the processes of the pages write there too
    folder = os.path.dirname(sys.argv[1])
    data = WebKit2.WebsiteDataManager(base_data_directory=folder, base_cache_directory=folder)
    context = WebKit2.WebContext.new_with_website_data_manager(data)
    context.set_automation_allowed(True)
    context.connect("automation-started", _started)
    Gtk.main()


def _started(context: WebKit2.WebContext, session: WebKit2.AutomationSession) -> None:
    session.connect("create-web-view", lambda *_: _window(context))


def _window(context: WebKit2.WebContext) -> WebKit2.WebView:
    settings = WebKit2.Settings(enable_write_console_messages_to_stdout=True)
    view = WebKit2.WebView(web_context=context, settings=settings, is_controlled_by_automation=True)
    window = Gtk.Window()
    window.add(view)
    view.connect("close", lambda _: window.destroy())
    view.connect("resource-load-started", _load)
    window.show_all()
    return view


def _load(view: WebKit2.WebView, resource: WebKit2.WebResource, request: WebKit2.URIRequest) -> None:
    """Write down what does not come: the console of a page says nothing of it."""

    def finished(_: WebKit2.WebResource) -> None:
        response = resource.get_response()
        if response and response.get_status_code() >= 400:
            _say(f"{response.get_status_code()}: {resource.get_uri()}")

    def failed(_: WebKit2.WebResource, error: GLib.Error) -> None:
        if not error.matches(WebKit2.NetworkError.quark(), WebKit2.NetworkError.CANCELLED):
            _say(f"failed: {resource.get_uri()}: {error.message}")

    if request.get_uri().startswith("http") and not request.get_uri().startswith("http://127.0.0.1:"):
        _say(f"request to another host: {request.get_uri()}")
    resource.connect("finished", finished)
    resource.connect("failed", failed)


def _say(trouble: str) -> None:
    print(f"CONSOLE LOAD ERROR {trouble}", flush=True)


if __name__ == "__main__":
    main()
