"""Parts of the widgets of this category. Orange finds widgets in the parent package, not in this
one."""
