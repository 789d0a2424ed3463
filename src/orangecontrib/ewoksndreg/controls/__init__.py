"""Parts of the widgets of this category. Orange looks for widgets beside this package, not
inside."""
