"""What a calibration found, shown: tables on the terminal, a scatter, and a page that needs nothing but itself.

`files.files` is all that is written besides `calibration.json`; `text.table` is for the terminal.
"""
