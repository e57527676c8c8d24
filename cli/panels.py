"""The headings under which `mall --help` lists commands."""

RUN = "Run"
DATA = "Data"
DEVELOP = "Develop"
