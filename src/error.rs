//! What can go wrong, classified once, and what is done about it.

use core::fmt;

use crate::http::Response;
use crate::id::PartNumber;
use crate::time::Timestamp;

/// A failure, as the application gets to see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What kind of failure it is; decides the [`Recovery`].
    pub kind: ErrorKind,
    /// The service's own code (`SecurityTokenExpired`) or ours (`NetworkError`).
    /// Stable: applications compare it.
    pub code: String,
    /// What happened and what to do about it, for people.
    pub message: String,
    /// The end of `message`: what to do. Empty where nobody knows.
    pub hint: &'static str,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// The service's name for the request; its support asks for it.
    pub request_id: Option<String>,
    /// The part that it happened to.
    pub part_number: Option<PartNumber>,
}

/// Kinds of failures. Services differ in codes, not in these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The device's clock is too far off for a signature to be accepted.
    ClockSkewed {
        /// The service's clock, when the answer told it.
        server_time: Option<Timestamp>,
    },
    /// What is stored is not what was sent.
    Corrupted,
    /// The temporary credential is over; another one may be accepted.
    CredentialExpired,
    /// The file cannot be read any more.
    FileUnreadable,
    /// The credential does not allow this.
    Forbidden,
    /// A bug in this library.
    Internal,
    /// The media that a credential was to be renewed for is no longer there.
    MediaGone,
    /// The application gave what cannot be used.
    Misuse,
    /// No answer came.
    Network,
    /// The service does not know the upload id (any more).
    NoSuchUpload,
    /// The service's parts are not those we think it has.
    PartMismatch,
    /// Too many requests.
    RateLimited,
    /// The service will never accept this request.
    Rejected,
    /// The service failed; it may not next time.
    ServerBusy,
    /// The request did not move for too long.
    Timeout,
    /// The answer makes no sense; it may not be the service that answered.
    Unparsable,
}

/// What the state machine does about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Set the clock offset and sign again, once per job.
    CorrectClock(Option<Timestamp>),
    /// Ask the service for another media.
    CreateAnew,
    /// Tell the application, keep the checkpoint, go on with the next file.
    GiveUp,
    /// Ask the service which parts it has and go on from those.
    Relist,
    /// Ask the application for another credential.
    RenewCredential,
    /// Forget the upload id and begin anew.
    Restart,
    /// The same job again, later.
    Retry,
}

impl Error {
    /// A failure that no answer came with: what happened, and what to do.
    pub fn new(kind: ErrorKind, code: &str, what: &str, hint: &'static str) -> Self {
        let mut message = String::from(what);
        if !hint.is_empty() {
            message.push(' ');
            message.push_str(hint);
        }
        Self {
            kind,
            code: code.into(),
            message,
            hint,
            status: None,
            request_id: None,
            part_number: None,
        }
    }

    /// The application gave what cannot be used.
    pub fn misuse(code: &str, what: &str, hint: &'static str) -> Self {
        Self::new(ErrorKind::Misuse, code, what, hint)
    }

    /// A request did not move for too long.
    pub fn timeout() -> Self {
        Self::new(
            ErrorKind::Timeout,
            "ConnectionTimeoutError",
            "The connection stopped moving.",
            "Check the network, or raise the option timeout.",
        )
    }

    /// The answer is not the service's, but a portal's or a proxy's.
    pub fn unexpected(response: &Response, request_id: Option<String>) -> Self {
        Self {
            status: Some(response.status),
            request_id,
            ..Self::new(
                ErrorKind::Unparsable,
                "UnexpectedResponse",
                "The answer is not the service's.",
                "Check the endpoint, and whether the network wants a log-in.",
            )
        }
    }

    /// The one way out of this failure.
    pub fn recovery(&self) -> Recovery {
        match self.kind {
            ErrorKind::ClockSkewed { server_time } => Recovery::CorrectClock(server_time),
            ErrorKind::CredentialExpired => Recovery::RenewCredential,
            ErrorKind::FileUnreadable
            | ErrorKind::Forbidden
            | ErrorKind::Internal
            | ErrorKind::Misuse
            | ErrorKind::Rejected => Recovery::GiveUp,
            ErrorKind::Corrupted
            | ErrorKind::Network
            | ErrorKind::RateLimited
            | ErrorKind::ServerBusy
            | ErrorKind::Timeout
            | ErrorKind::Unparsable => Recovery::Retry,
            ErrorKind::MediaGone => Recovery::CreateAnew,
            ErrorKind::NoSuchUpload => Recovery::Restart,
            ErrorKind::PartMismatch => Recovery::Relist,
        }
    }

    /// Whether starting the file again may succeed with nothing else changed.
    pub fn is_retryable(&self) -> bool {
        self.recovery() != Recovery::GiveUp
    }
}

impl ErrorKind {
    /// The kind that a status speaks for, unless a protocol knows better by
    /// the code in the answer. One table for all services, so that they cannot
    /// drift apart.
    pub fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::Forbidden,
            408 => Self::Timeout,
            429 => Self::RateLimited,
            400..=499 => Self::Rejected,
            500.. => Self::ServerBusy,
            _ => Self::Unparsable,
        }
    }

    /// Whether the network rather than the service is at fault, so that an
    /// application's `retryDuration` is the measure of waiting.
    pub fn is_transport(self) -> bool {
        matches!(self, Self::Network | Self::Timeout)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        f.write_str(": ")?;
        f.write_str(&self.message)
    }
}

impl core::error::Error for Error {}
