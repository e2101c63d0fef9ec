//! What the application answers when it is asked for a credential.

use vodupload::{Credential, Error, FileId, Grant, Input, Media, Permit, Target};

use super::service::Made;
use super::wire::{BUCKET, Issued};
use super::{Sim, Vendor};

/// How the application answers when it is asked for a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Only a credential: the address is to stay.
    Bare,
    /// A permit for another video, whatever it gives else; a signature that was
    /// given before.
    Elsewhere,
    /// One that is over already.
    Expired,
    Good,
    Never,
    Rubbish,
}

impl Sim {
    /// An account of the service, or a credential for the file's video, or for
    /// a new one.
    pub(crate) fn grant(&mut self, file: FileId, manner: Manner, video: Option<String>) -> Input {
        let grant = match manner {
            Manner::Rubbish => Err(Error::misuse("InvalidUploadAuth", "simulated", "")),
            _ if self.setup.vendor == Vendor::Tencent => Ok(self.signature(file, manner)),
            Manner::Bare | Manner::Expired | Manner::Good | Manner::Never if self.setup.sts => {
                Ok(self.account(manner))
            }
            _ => Ok(self.object(file, manner, video)),
        };
        Input::Authorize { file, grant }
    }

    fn signature(&mut self, file: FileId, manner: Manner) -> Grant {
        let used = self.ugc.last(file).filter(|_| manner == Manner::Elsewhere);
        let token = used.unwrap_or_else(|| self.sign(file, manner == Manner::Expired));
        Grant::Account(Credential { token, ..Credential::default() })
    }

    fn account(&mut self, manner: Manner) -> Grant {
        let serial = self.service.accounts.len();
        let credential = Credential {
            id: format!("STS.A{serial}"),
            secret: format!("hush-account-{serial}"),
            token: format!("CAIS-account-{serial}/+="),
            expires: None,
            issued: None,
        };
        let until = match manner {
            Manner::Expired => 0,
            _ => self.now.saturating_add(self.setup.account_life),
        };
        let issued = Issued { credential: credential.clone(), until };
        self.service.accounts.insert(credential.token.clone(), issued);
        Grant::Account(credential)
    }

    fn object(&mut self, file: FileId, manner: Manner, video: Option<String>) -> Grant {
        let is_new = manner == Manner::Elsewhere || (self.setup.images && manner != Manner::Bare);
        let video = video.filter(|_| !is_new).unwrap_or_else(|| {
            self.videos += 1;
            format!("v{}", self.videos)
        });
        self.videos_of.insert(file, video.clone());
        let known = self.service.medias.get(&video).map(|made| made.key.clone());
        let key = known.unwrap_or_else(|| format!("sv/{}/{video} 测试+(a).mp4", file.0));
        self.mean(file, &key);
        let is_image = self.setup.images;
        let made = Made { file: file.0, key: key.clone(), is_image, is_deleted: false };
        self.service.medias.insert(video.clone(), made);
        let life = if manner == Manner::Expired { 0 } else { self.setup.life };
        let mut credential = self.issue(life);
        if self.setup.tells_expiry && life > 0 {
            credential.expires = Some(vodupload::Timestamp(self.device_time().0 + life));
            credential.issued = Some(vodupload::Timestamp(self.now));
        }
        let target = Target {
            endpoint: self.setup.endpoint.into(),
            bucket: BUCKET.into(),
            key,
            region: self.setup.region.map(Into::into),
            via: None,
        };
        let target = (manner != Manner::Bare).then_some(target);
        let media = if is_image {
            Media { image_id: Some(video), ..Media::default() }
        } else {
            Media { video_id: Some(video), ..Media::default() }
        };
        Grant::Object(Permit { credential, target, cover: None, media })
    }

    /// A key to the storage that lasts `life` milliseconds from now.
    pub(super) fn issue(&mut self, life: u64) -> Credential {
        let serial = self.cloud.issued.len();
        let credential = Credential {
            id: format!("STS.{serial}"),
            secret: format!("hush-{serial}"),
            token: format!("CAIS-{serial}/+="),
            expires: None,
            issued: None,
        };
        let until = if life == 0 { 0 } else { self.now.saturating_add(life) };
        let issued = Issued { credential: credential.clone(), until };
        self.cloud.issued.insert(credential.token.clone(), issued);
        credential
    }

    /// Notes which file a key is meant for.
    pub(super) fn mean(&mut self, file: FileId, key: &str) {
        let meant = self.setup.key.unwrap_or(key);
        self.cloud.meant.insert(meant.into(), (file.0, self.infos[&file].size));
    }
}
