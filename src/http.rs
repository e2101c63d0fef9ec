//! Requests and responses as plain data. The body of a part is a description
//! of a slice: file bytes never enter the core.

use core::ops::Range;

use crate::id::FileId;

/// The HTTP methods that the services use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Method {
    Delete,
    Get,
    Head,
    Post,
    Put,
}

impl Method {
    /// The method as it stands in a request line and in a signature.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// What a request carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// A whole file behind text fields, as `multipart/form-data` whose type
    /// the host sets. The file's field is called `file` and is the last one.
    Form {
        /// Names and values, in order.
        fields: Vec<(&'static str, String)>,
        /// The file to read.
        file: FileId,
        /// Its bytes.
        size: u64,
    },
    /// Bytes `range` of a file; the host reads and streams them.
    Slice {
        /// The file to read.
        file: FileId,
        /// Byte offsets, end exclusive.
        range: Range<u64>,
    },
    /// Text, sent as UTF-8.
    Text(String),
}

/// A signed request, ready to be sent once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// The complete URL.
    pub url: String,
    /// Header names and values, as signed.
    pub headers: Vec<(&'static str, String)>,
    /// What to send.
    pub body: Body,
}

/// An answer. Any HTTP status is an answer; only its absence is a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Readable headers with lower-case names. A browser hides what the
    /// bucket's CORS rule does not expose.
    pub headers: Vec<(String, String)>,
    /// The body as text; empty where nothing needs it.
    pub body: String,
}

impl Response {
    /// The value of the header with this lower-case `name`.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(key, _)| key == name)?;
        Some(value)
    }
}
