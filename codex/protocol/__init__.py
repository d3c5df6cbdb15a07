"""The words that threads are spoken to with and answer in: data only, no behaviour.

`op` goes in, `event` comes out, `item` is what a turn is made of; `response_item` is the model's side of the history.
"""
