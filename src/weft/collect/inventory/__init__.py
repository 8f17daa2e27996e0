"""Sources that people keep: inventory files and NetBox.

Comes in: YAML files and NetBox's REST API. Goes out: facts to the inventory. Must keep what was good when a file or an
instance goes bad, and must never show a token.
"""
