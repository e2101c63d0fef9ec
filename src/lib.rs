//! Resumable uploads to video clouds.
//!
//! The core is one deterministic function, [`Uploader::dispatch`]: it takes an
//! [`Input`] and the time, and answers with [`Output`]s for the driver to
//! perform, in order. It holds the queue, the state of each file, part
//! planning, signing, retries and checkpoints. It has no clock, no randomness,
//! no IO and no callbacks, and file bytes never enter it: the body of a part is
//! the description of a slice.
//!
//! ```
//! use vodupload::{
//!     Config, FileId, FileInfo, Input, Oss, Output, Overrides, Timestamp, Uploader, Vod,
//! };
//!
//! let mut uploader = Uploader::new(Config::default(), &Oss, &Vod, 1);
//! let info = FileInfo {
//!     name: "clip.mp4".into(),
//!     size: 42_000_000,
//!     last_modified: 1_795_000_000_000,
//!     content_type: "video/mp4".into(),
//!     fingerprint: "clip".into(),
//!     ..FileInfo::default()
//! };
//! let now = Timestamp(1_795_238_400_000);
//! uploader.dispatch(now, Input::Add { file: FileId(1), info, overrides: Overrides::default() });
//! let outputs = uploader.dispatch(now, Input::Start);
//! assert_eq!(outputs, [Output::Load { file: FileId(1), key: "clip".into() }]);
//! ```
//!
//! On `wasm32` the module `wasm` drives the core through a JS host object.

// A build for one cloud leaves alone what only the other needs.
#![cfg_attr(
    not(all(feature = "aliyun", feature = "tencent")),
    allow(dead_code, unreachable_pub, unused_imports, unused_variables)
)]

mod checkpoint;
mod digest;
mod error;
mod http;
mod id;
mod integrity;
mod io;
mod job;
mod json;
mod multipart;
mod plan;
mod progress;
pub mod protocol;
mod retry;
pub mod service;
mod text;
mod time;
mod upload;
mod uploader;
#[cfg(target_arch = "wasm32")]
pub mod wasm;
mod xml;

pub use checkpoint::Checkpoint;
pub use digest::{Algorithm, Digest, Hasher, combine};
pub use error::{Error, ErrorKind, Recovery};
pub use http::{Body, Method, Request, Response};
pub use id::{FileId, PartNumber, RequestId};
pub use io::{Event, FileInfo, Input, Output, Overrides, TokenPurpose};
pub use plan::{Limits, PartPlan, PartSizer, Strategy};
pub use protocol::Signature;
#[cfg(feature = "tencent")]
pub use protocol::cos::Cos;
#[cfg(feature = "aliyun")]
pub use protocol::oss::Oss;
pub use retry::{Random, RetryPolicy};
#[cfg(feature = "aliyun")]
pub use service::aliyun::Vod;
#[cfg(feature = "tencent")]
pub use service::tencent::Ugc;
#[cfg(feature = "server")]
pub use service::tencent::api::Api;
pub use service::{Credential, Grant, Media, Permit, Target};
pub use time::Timestamp;
pub use uploader::{Config, Uploader};
