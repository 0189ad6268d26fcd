"""Application services: programs that act for many users, such as bridges.

`registration` says who they are, `services` what is theirs, `interest` what they are
told of; `pushing` tells them, `asking` asks them. Source: the Application Service API
of the Matrix specification.
"""
