"""
The forms in which people keep an API Management instance; one module or folder for each.

Each has ``recognises(path) -> bool`` (cheap: names, or the first kilobytes) and ``read(path, inputs) -> Harvest``;
``forms`` lists them. A module loads its parser inside ``read``: only one form is read at a time.
"""
