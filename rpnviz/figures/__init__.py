"""Still pictures: the palette, what they are made of, and those that more than one explorer or notebook draws."""
