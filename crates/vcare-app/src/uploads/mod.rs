//! Attachments of async visits: resumable uploads, what is done to them, and who sees them.
//!
//! Bytes are stored first and counted afterwards: the upload's row says which chunks there are, so that a process may die
//! at any point. Each row says by itself when somebody must look at it; a worker does, see [`work`](self).

mod append;
mod attachments;
mod check;
mod contents;
mod create;
mod discard;
mod erase;
mod open;
mod read;
mod work;

use std::sync::Arc;

pub use append::{Appended, UploadPen};
pub use attachments::{Attachment, LINK_OPENS_FOR, SeenAttachments, SignedLink};
pub use create::UploadWish;
pub use open::{FoundAttachment, OpenedAttachment};

use self::contents::Contents;
use vcare_domain::{StorageKey, Upload, UploadId};

use crate::actor::Caller;
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::ports::{AttachmentLinks, AttachmentStore, ContentInspector, MalwareScanner, UploadQueue};

/// What attachments need of the world.
#[derive(Clone)]
pub struct AttachmentPorts {
    /// Uploads that somebody must look at.
    pub queue: Arc<dyn UploadQueue>,
    /// Where their bytes are.
    pub store: Arc<dyn AttachmentStore>,
    /// Looks for malware.
    pub scanner: Arc<dyn MalwareScanner>,
    /// Looks at content, and writes it anew.
    pub inspector: Arc<dyn ContentInspector>,
    /// Signs links to what may be shown.
    pub links: Arc<dyn AttachmentLinks>,
}

impl App {
    fn storage_key(&self) -> StorageKey {
        let mut bytes = [0; 16];
        self.ids.fill_random(&mut bytes);
        StorageKey::from_random(bytes)
    }

    /// Where the bytes of an upload are, and what decrypts them.
    async fn contents(&self, upload: &Upload) -> Result<Contents, AppError> {
        let cipher = self.store.upload_cipher(upload.parts()).await?;
        Ok(Contents { store: Arc::clone(&self.attachments.store), folder: upload.parts().folder.clone(), cipher })
    }

    /// The caller's own upload of that id; another account's is as good as none.
    async fn own_upload(&self, caller: &Caller, id: UploadId) -> Result<Upload, AppError> {
        owned(self.store.upload(&caller.tenant_id, id).await?, caller)
    }
}

fn owned(found: Option<Upload>, caller: &Caller) -> Result<Upload, AppError> {
    found.filter(|upload| upload.parts().owner_id == caller.user_id).ok_or(AppError::NotFound(Resource::Upload))
}
