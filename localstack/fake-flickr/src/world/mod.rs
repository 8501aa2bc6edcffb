//! The whole state of the fake Flickr: apps, users, tokens, photos, faults, and the journal of calls.
//!
//! The rules are plain functions that take the world and `now`. One lock guards all of it, so a request sees and
//! changes the world as if it were alone.

pub(crate) mod app;
pub(crate) mod file_kind;
pub(crate) mod lags;
pub(crate) mod nonces;
pub(crate) mod photo;
pub(crate) mod request_token;
pub(crate) mod tags;
pub(crate) mod text;
pub(crate) mod ticket;
pub(crate) mod video;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;

use self::app::{App, RegisteredApp};
use self::nonces::Nonces;
use self::photo::Photo;
use self::request_token::RequestToken;
use self::ticket::Ticket;
use crate::config::Config;
use crate::faults::Faults;
use crate::ids;
use crate::journal::Journal;
use crate::limit::Limiter;
use crate::perms::Perms;

/// The first integer that a double cannot represent, so that a client that reads ids as numbers corrupts them at once.
const FIRST_PHOTO_ID: u64 = (1 << 53) + 1;
const FIRST_PHOTOSET_ID: u64 = 72_157_600_000_000_001;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct User {
    pub nsid: String,
    pub username: String,
    pub fullname: String,
    pub pro: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct AccessToken {
    pub secret: String,
    pub key: String,
    pub user: String,
    pub perms: Perms,
}

#[derive(Clone, Debug)]
pub(crate) struct Photoset {
    pub owner: String,
    pub title: String,
    pub description: String,
    pub primary: u64,
    pub photos: Vec<u64>,
    pub created: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) struct Comment {
    pub author: String,
    pub text: String,
    pub created: Timestamp,
}

pub(crate) struct World {
    /// Grows with each reset, so that a delayed effect can tell that its world is gone.
    pub epoch: u64,
    pub config: Config,
    pub apps: BTreeMap<String, RegisteredApp>,
    pub users: BTreeMap<String, User>,
    pub default_app: App,
    pub default_user: String,
    pub request_tokens: HashMap<String, RequestToken>,
    pub access_tokens: HashMap<String, AccessToken>,
    pub nonces: Nonces,
    pub limiter: Limiter,
    pub photos: BTreeMap<u64, Photo>,
    /// The photos that their owners deleted, which the deduplication of uploads still knows.
    pub deleted_photos: BTreeMap<u64, Photo>,
    pub photosets: BTreeMap<u64, Photoset>,
    /// By user id; the newest is last.
    pub favorites: HashMap<String, Vec<(u64, Timestamp)>>,
    /// By photo; the newest is last.
    pub comments: HashMap<u64, Vec<Comment>>,
    pub tickets: HashMap<String, Ticket>,
    pub faults: Faults,
    pub journal: Journal,
    next_photo: u64,
    next_photoset: u64,
}

impl World {
    /// Creates a world of one app and one user.
    pub(crate) fn new(default_app: App) -> Self {
        let user =
            User { nsid: "12037949@N01".into(), username: "ada".into(), fullname: "Ada Lovelace".into(), pro: true };
        let app = RegisteredApp { secret: default_app.secret.clone(), disabled: false };
        Self {
            epoch: 0,
            config: Config::default(),
            apps: [(default_app.key.clone(), app)].into(),
            default_app,
            default_user: user.nsid.clone(),
            users: [(user.nsid.clone(), user)].into(),
            request_tokens: HashMap::new(),
            access_tokens: HashMap::new(),
            nonces: Nonces::default(),
            limiter: Limiter::default(),
            photos: BTreeMap::new(),
            deleted_photos: BTreeMap::new(),
            photosets: BTreeMap::new(),
            favorites: HashMap::new(),
            comments: HashMap::new(),
            tickets: HashMap::new(),
            faults: Faults::default(),
            journal: Journal::default(),
            next_photo: FIRST_PHOTO_ID,
            next_photoset: FIRST_PHOTOSET_ID,
        }
    }

    /// Deletes everything but the default app and user.
    pub(crate) fn reset(&mut self) {
        *self = Self { epoch: self.epoch + 1, ..Self::new(self.default_app.clone()) };
    }

    /// Finds a user by id or user name.
    pub(crate) fn find_user(&self, name: &str) -> Option<&User> {
        self.users.get(name).or_else(|| self.users.values().find(|user| user.username == name))
    }

    /// Returns the id of the named user, creating the user if needed. Without a name it is the default user's.
    pub(crate) fn find_or_create_user(&mut self, name: Option<&str>) -> String {
        let Some(name) = name else { return self.default_user.clone() };
        if let Some(user) = self.find_user(name) {
            return user.nsid.clone();
        }
        let nsid = if name.contains("@N") { name.to_owned() } else { ids::nsid() };
        self.add_user(User { nsid: nsid.clone(), username: name.to_owned(), fullname: name.to_owned(), pro: true });
        nsid
    }

    pub(crate) fn add_user(&mut self, user: User) {
        self.users.insert(user.nsid.clone(), user);
    }

    /// Stores the photo under a new id, and returns the id.
    pub(crate) fn add_photo(&mut self, photo: Photo) -> u64 {
        let id = self.next_photo;
        self.next_photo += 1;
        self.photos.insert(id, Photo { id, ..photo });
        id
    }

    /// The photo of this id, if methods know it by now.
    pub(crate) fn known_photo(&self, id: u64, now: Timestamp) -> Option<&Photo> {
        self.photos.get(&id).filter(|photo| photo.known.by_id <= now)
    }

    /// Deletes a photo, as its owner does. Returns whether it existed.
    pub(crate) fn delete_photo(&mut self, id: u64) -> bool {
        let photo = self.remove_photo(id);
        photo.map(|photo| self.deleted_photos.insert(id, photo)).is_some()
    }

    /// Removes a photo and its comments, also from sets and favourites, and the sets that this leaves empty.
    pub(crate) fn remove_photo(&mut self, id: u64) -> Option<Photo> {
        let removed = self.photos.remove(&id);
        self.comments.remove(&id);
        for set in self.photosets.values_mut() {
            set.photos.retain(|photo| *photo != id);
        }
        self.photosets.retain(|_, set| !set.photos.is_empty());
        for favorites in self.favorites.values_mut() {
            favorites.retain(|(photo, _)| *photo != id);
        }
        removed
    }

    pub(crate) fn add_photoset(&mut self, set: Photoset) -> u64 {
        let id = self.next_photoset;
        self.next_photoset += 1;
        self.photosets.insert(id, set);
        id
    }

    /// Issues an access token, and returns `(token, secret)`.
    pub(crate) fn issue_token(&mut self, key: &str, user: &str, perms: Perms) -> (String, String) {
        let (token, secret) = (ids::token(), ids::secret());
        let access = AccessToken { secret: secret.clone(), key: key.to_owned(), user: user.to_owned(), perms };
        self.access_tokens.insert(token.clone(), access);
        (token, secret)
    }
}
