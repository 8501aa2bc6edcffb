//! The schemas of the wire types, by their names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use utoipa::{
    ToSchema,
    openapi::{Object, Ref, RefOr, Schema},
};

/// Schemas that were referred to. `utoipa` itself overwrites a schema by another of the same name, and says nothing.
#[derive(Default)]
pub(crate) struct Schemas {
    known: BTreeMap<String, RefOr<Schema>>,
    of_requests: BTreeSet<String>,
    of_answers: BTreeSet<String>,
}

impl Schemas {
    /// A reference to `T` in a request.
    ///
    /// # Panics
    /// When another type has the name of `T`, or of a type within it.
    pub(crate) fn of_request<T: ToSchema>(&mut self) -> Ref {
        let names = self.add::<T>();
        self.of_requests.extend(names);
        Ref::from_schema_name(T::name())
    }

    /// A reference to `T` in an answer.
    ///
    /// # Panics
    /// When another type has the name of `T`, or of a type within it.
    pub(crate) fn of_answer<T: ToSchema>(&mut self) -> Ref {
        let names = self.add::<T>();
        self.of_answers.extend(names);
        Ref::from_schema_name(T::name())
    }

    fn add<T: ToSchema>(&mut self) -> Vec<String> {
        let mut found = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut found);
        for (name, schema) in &found {
            let known = self.known.entry(name.clone()).or_insert_with(|| schema.clone());
            assert!(known == schema, "two types are called {name}");
        }
        found.into_iter().map(|(name, _)| name).collect()
    }

    /// All of them. Answers have each of their members, since `null` is written, but for lists and texts that are left
    /// out where they say nothing; a request may leave out what is optional.
    ///
    /// # Panics
    /// When an object is part of a request and of an answer: it cannot be both.
    pub(crate) fn into_components(self) -> BTreeMap<String, RefOr<Schema>> {
        let Self { mut known, of_requests, of_answers } = self;
        for name in of_answers {
            let Some(RefOr::T(Schema::Object(object))) = known.get_mut(&name) else { continue };
            let is_shared = of_requests.contains(&name) && !object.properties.is_empty();
            assert!(!is_shared, "{name} is part of a request and of an answer");
            let Object { properties, required, .. } = object;
            let written = properties.iter().filter(|(name, schema)| required.contains(name) || is_nullable(schema));
            object.required = written.map(|(name, _)| name.clone()).collect();
        }
        known
    }
}

/// Whether `null` is one of its values.
fn is_nullable(schema: &RefOr<Schema>) -> bool {
    let schema = json!(schema);
    let is_null = |value: &Value| *value == json!("null");
    let has_null = |of: &Value| of.as_array().map_or_else(|| is_null(of), |types| types.iter().any(is_null));
    has_null(&schema["type"]) || schema["oneOf"].as_array().into_iter().flatten().any(|one| has_null(&one["type"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    mod other {
        #[derive(utoipa::ToSchema)]
        #[expect(dead_code, reason = "only its schema is asked for")]
        pub(super) struct Sample {
            pub(super) name: u8,
        }
    }

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its schema is asked for")]
    struct Sample {
        name: Option<String>,
    }

    #[derive(ToSchema, serde::Serialize)]
    struct Sparse {
        name: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        seldom: Vec<String>,
    }

    fn required(schemas: Schemas) -> Vec<String> {
        let components = schemas.into_components();
        let RefOr::T(Schema::Object(object)) = &components["Sample"] else { unreachable!("no object") };
        object.required.clone()
    }

    #[test]
    #[should_panic(expected = "two types are called Sample")]
    fn a_second_type_of_the_same_name_is_refused() {
        let mut schemas = Schemas::default();
        schemas.of_answer::<Sample>();
        schemas.of_answer::<other::Sample>();
    }

    #[test]
    #[should_panic(expected = "Sample is part of a request and of an answer")]
    fn an_object_is_part_of_requests_or_of_answers() {
        let mut schemas = Schemas::default();
        schemas.of_request::<Sample>();
        schemas.of_answer::<Sample>();
        schemas.into_components();
    }

    #[test]
    fn an_answer_has_all_its_members_and_a_request_those_it_needs() {
        let (mut requests, mut answers) = (Schemas::default(), Schemas::default());
        requests.of_request::<Sample>();
        answers.of_answer::<Sample>();
        assert_eq!((required(requests), required(answers)), (vec![], vec!["name".to_owned()]));
    }

    #[test]
    fn an_answer_may_be_without_what_it_leaves_out_when_it_is_empty() {
        let mut answers = Schemas::default();
        answers.of_answer::<Sparse>();
        let sparse = Sparse { name: None, seldom: Vec::new() };
        assert_eq!(json!(sparse), json!({ "name": null }));
        let RefOr::T(Schema::Object(object)) = &answers.into_components()["Sparse"] else { unreachable!("no object") };
        assert_eq!(object.required, ["name"]);
    }
}
