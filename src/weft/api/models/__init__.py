"""What the API answers, as types: the OpenAPI document, and from it the browser's types, are made of these.

Times are UTC seconds; rates are per second; sizes are bytes unless the name says otherwise.
"""
