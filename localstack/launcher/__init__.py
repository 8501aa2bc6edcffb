"""Runs FlickrHub on one machine: an AWS emulator, a fake Flickr, and the stack of `template.yaml` between them.

Every module but `deploy` and `emulator` uses only the standard library: the launcher starts before its tools are
installed.
"""
