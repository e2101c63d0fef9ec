//! What a world is made of.

use std::ops::Range;

use vodupload::{Config, Timestamp};

use super::vendors::Vendor;
use super::{Habits, MB};

/// What a world is made of.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) vendor: Vendor,
    pub(crate) seed: u64,
    pub(crate) config: Config,
    /// Bytes per second of each request.
    pub(crate) bandwidth: u64,
    /// Milliseconds that each way takes.
    pub(crate) latency: Range<u64>,
    /// Milliseconds that the device's clock is ahead.
    pub(crate) skew: i64,
    pub(crate) habits: Habits,
    /// Milliseconds that the application needs to get a credential.
    pub(crate) app_delay: u64,
    /// Milliseconds that a credential lasts.
    pub(crate) life: u64,
    /// Whether credentials say when they are over.
    pub(crate) tells_expiry: bool,
    /// The application gives accounts of the service and not permits; Tencent's
    /// gives a signature for each call, whatever this says.
    pub(crate) sts: bool,
    /// Milliseconds that an account lasts, or a signature.
    pub(crate) account_life: u64,
    /// Files are images: the service makes no second key to one.
    pub(crate) images: bool,
    pub(crate) endpoint: &'static str,
    /// The region that a permit tells.
    pub(crate) region: Option<&'static str>,
    /// The application's own object key.
    pub(crate) key: Option<&'static str>,
    /// The host counts headers as sent, too.
    pub(crate) overcounts: bool,
    /// The host cannot end requests: their answers still arrive.
    pub(crate) late_answers: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            vendor: Vendor::Aliyun,
            seed: 1,
            config: Config { part_size: Some(MB), ..Config::default() },
            bandwidth: 4 * MB,
            latency: 20..60,
            skew: 0,
            habits: Habits::default(),
            app_delay: 50,
            life: 3_000_000,
            tells_expiry: false,
            sts: false,
            account_life: 3_000_000,
            images: false,
            endpoint: "https://oss-cn-shanghai.aliyuncs.com",
            region: None,
            key: None,
            overcounts: false,
            late_answers: false,
        }
    }
}

impl Setup {
    /// What the device's clock shows at `now`.
    pub(super) fn device_time(&self, now: u64) -> Timestamp {
        Timestamp(now).shifted(self.skew)
    }
}

/// How the place for checkpoints works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// What is read is damaged.
    Corrupt,
    /// Everything is gone when it is needed.
    Forgetful,
    /// Nothing can be written; what was there is erased, as the contract says.
    Full,
    Good,
}
