"""Where uploaded pictures are kept: on the local disk, or in S3-compatible storage.

Both work in two steps. A form lets a client put one file of one type and at most one size into a
waiting place. `accept` then looks at what really came and moves it to where the public finds it;
from then on nobody can change it, the form's holder included.
"""
