//! A route, as the files of `routes` describe it, and how it becomes an operation.

use api::ErrorCode;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::{
    IntoParams, ToSchema,
    openapi::{
        Content, HttpMethod, Object, ObjectBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Responses, Schema,
        SecurityRequirement, Type,
        path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
    },
};

use crate::{
    headers::{ALWAYS, Field},
    problems::{self, ALWAYS_POSSIBLE, WITH_BODY, WITH_KEY},
    schemas::Schemas,
};

/// Refers to a schema of a type, in the document that is being made.
type SchemaOf = fn(&mut Schemas) -> Ref;

/// A route.
pub(crate) struct Route {
    pub(crate) method: HttpMethod,
    /// As `template.yaml` has it.
    pub(crate) path: &'static str,
    /// The operation's name, for generated clients.
    pub(crate) id: &'static str,
    tag: &'static str,
    summary: &'static str,
    description: &'static str,
    needs_key: bool,
    parameters: Vec<Parameter>,
    body: Option<(SchemaOf, Value)>,
    answers: Vec<Answer>,
    codes: Vec<ErrorCode>,
}

/// An answer that is no problem.
pub(crate) struct Answer {
    status: u16,
    description: &'static str,
    body: Body,
    headers: Vec<Field>,
}

enum Body {
    Nothing,
    /// `data` of this type.
    Data(SchemaOf, Value),
    /// A body of one of these media types.
    Raw(Vec<(&'static str, Type)>),
}

impl Answer {
    /// The envelope with `data`.
    pub(crate) fn data<T: ToSchema + Serialize>(status: u16, description: &'static str, example: &T) -> Self {
        let body = Body::Data(Schemas::of_answer::<T>, json!(example));
        Self { status, description, body, headers: Vec::new() }
    }

    /// A body that is no envelope, of one of these media types.
    pub(crate) fn raw(description: &'static str, bodies: &[(&'static str, Type)]) -> Self {
        Self { status: 200, description, body: Body::Raw(bodies.to_vec()), headers: Vec::new() }
    }

    /// No body.
    pub(crate) fn nothing(status: u16, description: &'static str) -> Self {
        Self { status, description, body: Body::Nothing, headers: Vec::new() }
    }

    /// With these headers, or some of them.
    pub(crate) fn with(self, headers: &[Field]) -> Self {
        Self { headers: headers.to_vec(), ..self }
    }

    fn into_response(self, schemas: &mut Schemas) -> Response {
        let response = ResponseBuilder::new().description(self.description);
        let response = match self.body {
            Body::Nothing => response,
            Body::Raw(bodies) => bodies.into_iter().fold(response, |response, (media_type, kind)| {
                response.content(media_type, Content::new(Some(Schema::Object(Object::with_type(kind)))))
            }),
            Body::Data(schema, example) => {
                let mut content = Content::new(Some(envelope(schema(schemas))));
                content.example = Some(json!({ "request_id": "0f1c2d3e", "data": example, "error": null }));
                response.content("application/json", content)
            }
        };
        let fields = ALWAYS.into_iter().chain(self.headers);
        fields.fold(response, |response, field| response.header_ref(field.name(), field.reference())).build()
    }
}

/// `{"request_id", "data", "error": null}`, written out: a generic type has no name of its own.
fn envelope(data: Ref) -> Schema {
    let text = |about| ObjectBuilder::new().schema_type(Type::String).description(Some(about)).build();
    let envelope = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("request_id", text("The request's id"))
        .property("data", RefOr::Ref(data))
        .property("error", ObjectBuilder::new().schema_type(Type::Null).description(Some("Always null")).build());
    Schema::Object(["request_id", "data", "error"].into_iter().fold(envelope, ObjectBuilder::required).build())
}

impl Route {
    fn new(method: HttpMethod, path: &'static str, id: &'static str, tag: &'static str) -> Self {
        Self {
            method,
            path,
            id,
            tag,
            summary: "",
            description: "",
            needs_key: true,
            parameters: path_parameters(path),
            body: None,
            answers: Vec::new(),
            codes: ALWAYS_POSSIBLE.to_vec(),
        }
    }

    /// `GET path`.
    pub(crate) fn get(path: &'static str, id: &'static str, tag: &'static str) -> Self {
        Self::new(HttpMethod::Get, path, id, tag)
    }

    /// `POST path`, with this body.
    pub(crate) fn post<T: ToSchema + Serialize>(
        path: &'static str,
        id: &'static str,
        tag: &'static str,
        example: &T,
    ) -> Self {
        let body = Some((Schemas::of_request::<T> as SchemaOf, without_nulls(json!(example))));
        Self { body, ..Self::new(HttpMethod::Post, path, id, tag) }.refuses(&WITH_BODY)
    }

    /// `POST path`, without a body.
    pub(crate) fn post_without_body(path: &'static str, id: &'static str, tag: &'static str) -> Self {
        Self::new(HttpMethod::Post, path, id, tag)
    }

    /// `DELETE path`.
    pub(crate) fn delete(path: &'static str, id: &'static str, tag: &'static str) -> Self {
        Self::new(HttpMethod::Delete, path, id, tag)
    }

    /// What it does, in a few words and in more.
    pub(crate) fn does(self, summary: &'static str, description: &'static str) -> Self {
        Self { summary, description, ..self }
    }

    /// It is there for everyone.
    pub(crate) fn without_key(self) -> Self {
        Self { needs_key: false, ..self }
    }

    /// It takes the parameters of this query.
    pub(crate) fn query<T: IntoParams>(mut self) -> Self {
        self.parameters.extend(T::into_params(|| Some(ParameterIn::Query)));
        self
    }

    /// It takes this header.
    pub(crate) fn header(mut self, name: &str, about: &str, schema: Object) -> Self {
        let header = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(Required::False);
        self.parameters.push(header.description(Some(about)).schema(Some(schema)).build());
        self
    }

    /// The parameter of its path is one of these.
    pub(crate) fn path_is_one_of(mut self, values: &[&str]) -> Self {
        let values: Vec<Value> = values.iter().map(|value| json!(value)).collect();
        let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values)).build();
        if let Some(parameter) = self.parameters.first_mut() {
            parameter.schema = Some(RefOr::T(Schema::Object(schema)));
        }
        self
    }

    /// It can answer so.
    pub(crate) fn answers(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    /// It can refuse with these codes, besides those of every route.
    pub(crate) fn refuses(mut self, codes: &[ErrorCode]) -> Self {
        self.codes.extend(codes);
        self
    }

    /// The operation, whose types are added to `schemas`.
    ///
    /// # Panics
    /// When it takes a body for which there is no limit.
    pub(crate) fn into_operation(mut self, schemas: &mut Schemas) -> Operation {
        if self.needs_key {
            self.codes.extend(WITH_KEY);
        }
        // Such as `..`, which would lead to another route.
        if self.path.contains('{') {
            self.codes.push(ErrorCode::NotFound);
        }
        let max_bytes = self.body.as_ref().map(|_| max_body_bytes(self.path));
        let problems = problems::responses(&self.codes, max_bytes, schemas);
        let answers = self.answers.into_iter();
        let answers = answers.map(|answer| (answer.status, RefOr::T(answer.into_response(schemas))));
        let mut responses = Responses::new();
        for (status, response) in answers.chain(problems) {
            responses.responses.insert(status.to_string(), response);
        }
        let operation = OperationBuilder::new()
            .operation_id(Some(self.id))
            .tag(self.tag)
            .summary(Some(self.summary))
            .description(Some(self.description).filter(|text| !text.is_empty()))
            .responses(responses);
        let operation = self.parameters.into_iter().fold(operation, OperationBuilder::parameter);
        let mut operation = operation.build();
        operation.request_body = self.body.map(|(schema, example)| {
            let mut content = Content::new(Some(RefOr::Ref(schema(schemas))));
            content.example = Some(example);
            let about = format!("At most {} bytes", max_body_bytes(self.path));
            let body = RequestBodyBuilder::new().required(Some(Required::True)).description(Some(about));
            RefOr::T(body.content("application/json", content).build())
        });
        if !self.needs_key {
            operation.security = Some(Vec::<SecurityRequirement>::new());
        }
        operation
    }
}

/// The most bytes of a body, which every route that takes one must have.
#[expect(clippy::panic, reason = "the document cannot be made")]
fn max_body_bytes(path: &str) -> usize {
    api::max_body_bytes(path).unwrap_or_else(|| panic!("no limit of the bodies of {path}"))
}

/// Texts, each named in braces.
fn path_parameters(path: &str) -> Vec<Parameter> {
    let named = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name: &str| {
        let schema = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).build();
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
        parameter.schema(Some(schema)).build()
    };
    named.map(parameter).collect()
}

/// An optional member that is left out, as a client would write it.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        other => other,
    }
}
