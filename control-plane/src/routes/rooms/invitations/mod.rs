//! `/api/v1/rooms/{room}/invitations`: addresses that become members once their owners come.

pub(crate) mod list;
pub(crate) mod withdraw;
