"""What makes and checks the things that rpnviz consists of beside its code; never imported by rpnviz.

`scenes` renders street scenes, `data` trains on them and measures, `notebooks` runs the notebooks and makes their
exercise cells, `site` makes the web site of them, `docs` draws for README and docs, `browser` opens JupyterLab.
"""
