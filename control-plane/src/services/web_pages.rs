//! Addresses of the web app's pages that mails, notifications and calendars lead to. Every one of them is made here, and has
//! its page in `web/src/app.tsx`.
//!
//! In: what the page is about. Out: a path below the address people reach this server at.

use uuid::Uuid;

use crate::model::secret::Secret;
use crate::model::user::CodePurpose;

/// Where a room is entered, by anybody who has its code.
pub(crate) fn join(room_code: &str) -> String {
    format!("/j/{room_code}")
}

/// A meeting, for who organizes it or is invited to it with an account.
pub(crate) fn meeting(id: Uuid) -> String {
    format!("/meetings/{id}")
}

/// An invitation to a meeting, for whoever holds the link.
pub(crate) fn meeting_invite(token: &Secret) -> String {
    format!("/invites/{}", token.text())
}

/// An invitation to an organization: by token for whoever holds the link, by id for who owns the verified address.
pub(crate) fn organization_invite(name: &str) -> String {
    format!("/organization-invites/{name}")
}

/// Where a code is entered, filled in already. Address and code stand behind the `#`, which browsers send to no server: they
/// are in no log. The page asks before it uses them up, since mail programs open links too.
pub(crate) fn code(purpose: CodePurpose, email: &str, digits: &str) -> String {
    let page = match purpose {
        CodePurpose::Login => "/signin/code",
        CodePurpose::VerifyEmail => "/verify",
        CodePurpose::Reset => "/reset",
    };
    let known = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("email", email)
        .append_pair("code", digits)
        .finish();
    format!("{page}#{known}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stays_behind_the_hash_and_takes_any_address() {
        let path = code(CodePurpose::Reset, "a+b&c=d#e@example.org", "123456");
        assert_eq!(path, "/reset#email=a%2Bb%26c%3Dd%23e%40example.org&code=123456");
        let url = url::Url::parse("https://meet.example/").unwrap().join(&path).unwrap();
        assert_eq!((url.path(), url.query()), ("/reset", None));
        let fragment = url.fragment().unwrap_or_default().as_bytes();
        let read: Vec<_> = url::form_urlencoded::parse(fragment).map(|(_, value)| value.into_owned()).collect();
        assert_eq!(read, ["a+b&c=d#e@example.org", "123456"]);
    }
}
