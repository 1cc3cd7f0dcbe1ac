//! Datagrams in and out of the kernel, in batches, and the addresses that clients are told.

pub mod addresses;
pub mod udp;
