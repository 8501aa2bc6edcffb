//! What is there of files before anything happens: the uploads that callers made, and the photos of their accounts.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use domain::{
    AccountRef,
    upload::{MediaFile, Sha256, Upload},
};
use ring::digest::{SHA256, digest};

use super::environment::Environment;
use crate::{
    build::{self, NOW},
    random::Random,
    simulator::{
        asked_file::{AskedFile, FILES, REPLACED, bytes_of, replaced_photo},
        flickr::{Life, Photo},
        workload::Workload,
    },
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Stores the files that the asks name, and adds the photos that their accounts have: those that are to be replaced, and
/// some with the bytes of files that are to be uploaded.
pub(super) fn begin(seed: u64, environment: &Environment, workload: &Workload) {
    let mut accounts = BTreeSet::new();
    for (number, ask) in workload.iter() {
        let (Some(file), Some(account)) = (&ask.file, environment.account(ask.account)) else { continue };
        store(environment, account, number, file);
        accounts.insert(ask.account);
    }
    for number in accounts {
        let Some(account) = environment.account(number) else { continue };
        for photo in 0..REPLACED {
            let original = Bytes::from(format!("the original of {photo}"));
            let life = Life { from: NOW.before(DAY), until: None };
            environment.flickr.add_photo(old(replaced_photo(number, photo), account, original, life));
        }
        let mut random = Random::new(seed.wrapping_add(number as u64)).fork();
        for content in 0..FILES {
            let deleted_after = random.milliseconds(0, 2 * 24 * 3_600_000);
            let until = match random.below(10) {
                0..2 => None,
                2..5 => Some(NOW.before(DAY) + deleted_after),
                _ => continue,
            };
            let life = Life { from: NOW.before(DAY), until };
            let id = format!("8{number:03}{content:03}");
            environment.flickr.add_photo(old(id, account, bytes_of(content), life));
        }
    }
}

fn old(id: String, account: &AccountRef, bytes: Bytes, life: Life) -> Photo {
    Photo::of_old(id, build::token_of(&account.user), bytes, life)
}

/// Stores the upload that the ask with this number names, and its file.
fn store(environment: &Environment, account: &AccountRef, number: u32, file: &AskedFile) {
    let bytes = file.bytes();
    let Some(media) = "image/jpeg".parse().ok().and_then(|jpeg| MediaFile::new("a.jpg", jpeg, bytes.len() as u64).ok())
    else {
        return;
    };
    let sha256 = <[u8; 32]>::try_from(digest(&SHA256, &bytes).as_ref()).map(|digest| Sha256::from_bytes(&digest));
    let upload = Upload {
        id: AskedFile::upload_id(number),
        account: account.clone(),
        file: media,
        sha256: sha256.ok().filter(|_| file.sha256_is_given),
        multipart: None,
        pinned_etag: None,
        created_at: NOW,
    };
    environment.world.store_file(&upload, bytes);
}
