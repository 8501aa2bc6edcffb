"""Runs FlickrHub on one machine: an AWS emulator, a fake Flickr, and the stack of `template.yaml` between them.

Before the tools are installed only the standard library is there, so every module but `deploy` does with it.
"""
