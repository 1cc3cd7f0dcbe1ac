//! Header extensions.
