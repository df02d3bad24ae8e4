"""The layers explorer: the backbone layer by layer, and what one unit sees."""
