//! One thing to get done: a request and how it stands. A retry is not a state
//! but a job that is ready later.

use crate::id::{PartNumber, RequestId};
use crate::protocol::Operation;
use crate::service::Call;
use crate::time::Timestamp;

/// Whom a request is for.
#[derive(Clone, Debug)]
pub(crate) enum Task {
    /// The service.
    Call(Call),
    /// The storage.
    Operation(Operation),
}

/// A request to be made.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) task: Task,
    pub(crate) status: Status,
    /// Failures in a row, as long as nothing else of the upload succeeded.
    pub(crate) failures: u32,
    /// The upload's count of successes that `failures` was begun at.
    pub(crate) successes: u32,
    /// Whether the clock was corrected for it; a second time does not help.
    pub(crate) clock_corrected: bool,
    /// Whether an attempt ended without a clear answer, so that the service
    /// may have done it.
    pub(crate) in_doubt: bool,
}

/// How a job stands. A job that is done is no longer there.
#[derive(Clone, Debug)]
pub(crate) enum Status {
    /// May be sent from `at` on.
    Ready { at: Timestamp },
    /// Sent, and not answered yet.
    InFlight(Flight),
}

/// A request under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    pub(crate) id: RequestId,
    /// Which of the upload's credentials signed it.
    pub(crate) generation: u32,
    /// When it was sent.
    pub(crate) since: Timestamp,
    /// When bytes last moved.
    pub(crate) moved: Timestamp,
    /// Bytes of the body that left so far.
    pub(crate) sent: u64,
}

impl Job {
    pub(crate) fn new(task: Task, now: Timestamp) -> Self {
        Self {
            task,
            status: Status::Ready { at: now },
            failures: 0,
            successes: 0,
            clock_corrected: false,
            in_doubt: false,
        }
    }

    /// Whether it asks the service.
    pub(crate) fn is_call(&self) -> bool {
        matches!(self.task, Task::Call(_))
    }

    /// Whether it looks for the nearest region, which is a courtesy.
    pub(crate) fn races(&self) -> bool {
        match self.task {
            #[cfg(feature = "sessions")]
            Task::Call(Call::ListRegions | Call::ProbeRegion(_)) => true,
            Task::Call(_) | Task::Operation(_) => false,
        }
    }

    /// Whether it takes a key of the application's.
    pub(crate) fn takes_account(&self) -> bool {
        #[cfg(feature = "sessions")]
        if let Task::Call(Call::ProbeRegion(_)) = self.task {
            return false;
        }
        self.is_call()
    }

    /// Whether it tells the service once more what it may know.
    pub(crate) fn commits_again(&self) -> bool {
        match self.task {
            #[cfg(feature = "sessions")]
            Task::Call(Call::CommitUpload { .. }) => self.in_doubt,
            Task::Call(_) | Task::Operation(_) => false,
        }
    }

    /// Whether it only frees what was stored: it outlives the upload.
    pub(crate) fn cleans_up(&self) -> bool {
        matches!(self.task, Task::Operation(Operation::AbortMultipartUpload { .. }))
    }

    pub(crate) fn flight(&self) -> Option<&Flight> {
        match &self.status {
            Status::Ready { .. } => None,
            Status::InFlight(flight) => Some(flight),
        }
    }

    pub(crate) fn is_ready(&self, now: Timestamp) -> bool {
        match self.status {
            Status::Ready { at } => at <= now,
            Status::InFlight(_) => false,
        }
    }

    /// The part that the job sends, if it sends one.
    pub(crate) fn part(&self) -> Option<PartNumber> {
        match self.task {
            Task::Operation(Operation::UploadPart { number, .. }) => Some(number),
            Task::Call(_) | Task::Operation(_) => None,
        }
    }
}
