use std::time::Duration;

use serde_json::json;

use super::*;
use crate::{
    Timestamp,
    call::{Params, RestCall},
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(seconds * 1000)
}

fn key(method: &str, params: &serde_json::Value) -> CacheKey {
    let params = Params::from_json(&params.to_string()).unwrap();
    CacheKey::of(&RestCall { method: method.parse().unwrap(), params })
}

#[test]
fn a_key_is_the_method_with_its_parameters_in_any_order() {
    let asked = key("flickr.photos.getInfo", &json!({"photo_id": "1", "secret": "2"}));
    assert_eq!(asked, key("flickr.photos.getInfo", &json!({"secret": 2, "photo_id": 1})));
    assert_eq!(asked.as_str().len(), 64);
    for other in [
        key("flickr.photos.getExif", &json!({"photo_id": "1", "secret": "2"})),
        key("flickr.photos.getInfo", &json!({"photo_id": "2", "secret": "1"})),
        key("flickr.photos.getInfo", &json!({"photo_id": "1"})),
        key("flickr.photos.getInfo", &json!({"photo_id": "1secret2"})),
    ] {
        assert_ne!(asked, other);
    }
}

#[test]
fn a_time_to_live_has_bounds() {
    for bad in [0, MIN_TTL_SECONDS - 1, 86_401, u32::MAX] {
        assert_eq!(CacheOptions::new(Some(bad), false), Err(InvalidTtl));
    }
    for good in [MIN_TTL_SECONDS, 86_400] {
        let options = CacheOptions::new(Some(good), false).unwrap();
        assert_eq!(options.ttl(), Some(Duration::from_secs(good.into())));
    }
    assert!(CacheOptions::new(None, false).unwrap().is_default());
    assert!(CacheOptions::new(None, true).unwrap().bypass());
}

#[test]
fn nothing_is_current_while_a_write_may_still_take_effect() {
    let tags: CacheTags = [CacheTag::Photos, CacheTag::Tags].into_iter().collect();
    let invalidation = |unsettled_until| Invalidation { tags: tags.clone(), written_at: None, unsettled_until };
    let generations = CacheGenerations::default()
        .after(&invalidation(None))
        .after(&invalidation(Some(at(100))))
        .after(&invalidation(None));
    let state = |generation| Some(TagState { generation, written_at: None });
    assert_eq!(generations.tag(CacheTag::Photos, at(99)), None);
    assert_eq!(generations.tag(CacheTag::People, at(99)), None);
    assert_eq!(generations.tag(CacheTag::Photos, at(100)), state(3));
    assert_eq!(generations.tag(CacheTag::People, at(100)), state(0));
}

#[test]
fn a_tag_tells_when_it_was_last_written_and_no_other_invalidation_is_a_write() {
    let tags: CacheTags = [CacheTag::Photos].into_iter().collect();
    let invalidation = |written_at| Invalidation { tags: tags.clone(), written_at, unsettled_until: None };
    let generations = CacheGenerations::default()
        .after(&invalidation(Some(at(3))))
        .after(&invalidation(Some(at(7))))
        .after(&invalidation(None));
    let photos = TagState { generation: 3, written_at: Some(at(7)) };
    assert_eq!(generations.tag(CacheTag::Photos, at(8)), Some(photos));
    assert_eq!(generations.tag(CacheTag::People, at(8)), Some(TagState::default()));
}

#[test]
fn tags_read_back_as_written() {
    let some: CacheTags = [CacheTag::Tags, CacheTag::Blogs].into_iter().collect();
    assert_eq!((some.to_string().as_str(), "tags,blogs".parse()), ("blogs,tags", Ok(some)));
    assert_eq!(CacheTags::all().to_string().parse(), Ok(CacheTags::all()));
    assert_eq!("".parse(), Ok(CacheTags::default()));
    assert_eq!("photos,other".parse::<CacheTags>(), Err(UnknownCacheTag));
    for tag in CacheTag::ALL {
        assert_eq!(serde_json::to_value(tag).unwrap(), tag.as_str());
    }
}
