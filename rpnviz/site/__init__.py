"""The web site: every notebook as a page whose explorers move without a kernel; see docs/site.md."""
