//! Going on with parts that another program has stored: its session is known,
//! and nothing of what it did. So all that is found is compared with the file.

use super::{Context, Phase, Purpose, Upload};
use crate::checkpoint::Checkpoint;
use crate::multipart::Multipart;
use crate::plan::{PartPlan, Strategy};
use crate::protocol::{ListedPart, Operation};

impl Upload {
    /// Looks for an unfinished multipart upload, if the record tells of a
    /// session and no more; says whether.
    pub(super) fn looks_for_parts(&mut self, cx: &mut Context<'_>) -> bool {
        let is_bare = |it: &mut Checkpoint| !it.is_stored && it.upload_id.is_empty();
        let is_bare = self.checkpoint.take_if(is_bare).is_some();
        let has_parts = matches!(self.strategy(cx), Strategy::Multipart(_));
        if !is_bare || !cx.config.integrity || !has_parts {
            return false;
        }
        self.phase = Phase::Finding;
        self.push(Operation::ListMultipartUploads, cx);
        true
    }

    /// The unfinished uploads of all keys that begin with the object's, older
    /// ones first.
    pub(super) fn found_uploads(&mut self, uploads: Vec<(String, String)>, cx: &mut Context<'_>) {
        let target = self.object_target();
        let newest = uploads.into_iter().rev().find(|(key, _)| *key == target.key);
        let (Some((_, upload_id)), Strategy::Multipart(plan)) = (newest, self.strategy(cx)) else {
            return self.begin_anew(cx);
        };
        self.multipart = Some(Multipart::new(upload_id, plan));
        self.integrity.insist();
        self.list(Purpose::Adopt, cx);
    }

    /// Lays the parts out as those that are stored: of one size but the last.
    pub(super) fn lay_out_as(&mut self, listed: &[ListedPart], cx: &Context<'_>) {
        let size = self.object().size;
        let part = listed.iter().map(|listed| listed.size).max();
        if let (Some(part), Some(multipart)) = (part, &mut self.multipart) {
            multipart.plan = PartPlan::new(size, Some(part), &cx.protocol.limits());
        }
    }
}
