"""
A plan → a folder, again and again: what a person has changed since the last import stays.

``styled`` is how the configuration looks, ``merging`` joins an import with an edited configuration, ``folder`` writes.
"""
