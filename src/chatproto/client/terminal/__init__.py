"""`chatproto chat`: a chat client for the terminal.

Keys, the line being written, commands and what is on the screen are pure; `app` is
where the terminal and the session are.
"""
