//! Who may use a route, as its OpenAPI operation says.
//!
//! A block writes beside its route
//! - `security(())`: everybody;
//! - `security((), ("account" = ["scripts:read"]))`: visitors too, when the settings let them in; an
//!   API key needs the scope;
//! - `security(("account" = ["scripts:write", "role:editor"]))`: who signed in, has the scopes and
//!   is at least an editor.
//!
//! Without a word on it nobody may. The table is read from the same document that is published, so
//! that what is enforced and what is documented are one thing.

use std::collections::HashMap;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sori_contracts::{Caller, Member, Role, Scope, Scopes};
use sori_http::{AccessFault, Problem, RequestFault};
use utoipa::openapi::{
    OpenApi, PathItem, SecurityRequirement,
    path::Operation,
    security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
};

use super::Border;

/// The name that routes use for "an account, however it proves itself".
const ACCOUNT: &str = "account";
/// What it stands for in the published document.
const SCHEMES: [&str; 3] = ["bearer", "api_key", "cookie"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Public,
    VisitorsToo(Asked),
    SignedIn(Asked),
    /// Nothing is declared, or nothing that makes sense: nobody.
    NotDeclared,
}

/// What is asked of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub scopes: Scopes,
    pub role: Role,
}

impl Asked {
    fn of(&self, member: &Member) -> Result<(), AccessFault> {
        let has_all = self.scopes.iter().all(|scope| member.scopes.has(scope));
        if has_all && member.role >= self.role { Ok(()) } else { Err(AccessFault::Forbidden) }
    }
}

impl Access {
    /// The one place that compares what a route asks with who calls.
    pub fn admit(&self, caller: &Caller, visitors_are_let_in: bool) -> Result<(), AccessFault> {
        match (self, caller) {
            (Self::NotDeclared, _) => Err(AccessFault::NotDeclared),
            (Self::Public, _) => Ok(()),
            (Self::VisitorsToo(_), Caller::Visitor) if visitors_are_let_in => Ok(()),
            (Self::VisitorsToo(_) | Self::SignedIn(_), Caller::Visitor) => Err(AccessFault::InvalidToken),
            (Self::VisitorsToo(asked) | Self::SignedIn(asked), Caller::Account(member)) => asked.of(member),
        }
    }

    #[must_use]
    pub fn scopes(&self) -> Scopes {
        match self {
            Self::VisitorsToo(asked) | Self::SignedIn(asked) => asked.scopes,
            Self::Public | Self::NotDeclared => Scopes::default(),
        }
    }

    pub(crate) fn of(operation: &Operation) -> Self {
        let Some(alternatives) = &operation.security else { return Self::NotDeclared };
        let read: Option<Vec<Option<Asked>>> = alternatives.iter().map(alternative).collect();
        match read.as_deref() {
            Some([None]) => Self::Public,
            Some([None, Some(asked)] | [Some(asked), None]) => Self::VisitorsToo(*asked),
            Some([Some(asked)]) => Self::SignedIn(*asked),
            _ => Self::NotDeclared,
        }
    }
}

/// One alternative of `security`: `Some(None)` asks for nothing, `None` is not understood.
fn alternative(requirement: &SecurityRequirement) -> Option<Option<Asked>> {
    let value = serde_json::to_value(requirement).ok()?;
    let fields = value.as_object()?;
    if fields.is_empty() {
        return Some(None);
    }
    let words = fields.get(ACCOUNT).filter(|_| fields.len() == 1)?.as_array()?;
    let mut asked = Asked { scopes: Scopes::default(), role: Role::Learner };
    let mut scopes = Vec::new();
    for word in words {
        match word.as_str()?.split_once("role:") {
            Some(("", role)) => asked.role = Role::parse(role)?,
            _ => scopes.push(Scope::parse(word.as_str()?)?),
        }
    }
    asked.scopes = scopes.into_iter().collect();
    Some(Some(asked))
}

/// Every route of the API with its method.
#[derive(Clone, Debug, Default)]
pub struct AccessTable(HashMap<String, Vec<(Method, Access)>>);

impl AccessTable {
    #[must_use]
    pub fn of(document: &OpenApi) -> Self {
        let rows = document.paths.paths.iter().map(|(path, item)| {
            let row = operations(item).map(|(method, operation)| (method, Access::of(operation))).collect();
            (path.clone(), row)
        });
        Self(rows.collect())
    }

    /// `None` when the route does not take the method.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Option<Access> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let row = self.0.get(path)?;
        row.iter().find(|(known, _)| known == method).map(|(_, access)| *access)
    }

    /// All of it, in an order that stays.
    #[must_use]
    pub fn rows(&self) -> Vec<(Method, String, Access)> {
        let mut rows: Vec<_> = self
            .0
            .iter()
            .flat_map(|(path, row)| {
                row.iter().map(|(method, access)| (method.clone(), path.clone(), *access))
            })
            .collect();
        rows.sort_by(|a, b| (&a.1, a.0.as_str()).cmp(&(&b.1, b.0.as_str())));
        rows
    }

    fn methods(&self, path: &str) -> Option<HeaderValue> {
        let row = self.0.get(path)?;
        let mut names: Vec<&str> = row.iter().map(|(method, _)| method.as_str()).collect();
        if names.contains(&"GET") {
            names.push("HEAD");
        }
        HeaderValue::from_str(&names.join(",")).ok()
    }
}

fn operations(item: &PathItem) -> impl Iterator<Item = (Method, &Operation)> {
    [
        (Method::GET, &item.get),
        (Method::PUT, &item.put),
        (Method::POST, &item.post),
        (Method::DELETE, &item.delete),
        (Method::OPTIONS, &item.options),
        (Method::HEAD, &item.head),
        (Method::PATCH, &item.patch),
        (Method::TRACE, &item.trace),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

pub(crate) fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::DELETE, &mut item.delete),
        (Method::OPTIONS, &mut item.options),
        (Method::HEAD, &mut item.head),
        (Method::PATCH, &mut item.patch),
        (Method::TRACE, &mut item.trace),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Asks the table; what is not in it is not open, even if a router answered it.
pub(super) async fn layer(State(border): State<Border>, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let access = match border.access.find(request.method(), path) {
        Some(access) => access,
        None => {
            let Some(allowed) = border.access.methods(path) else {
                return Problem::from(AccessFault::NotDeclared).into_response();
            };
            let mut refusal = Problem::from(RequestFault::MethodNotAllowed).into_response();
            *refusal.status_mut() = axum::http::StatusCode::METHOD_NOT_ALLOWED;
            refusal.headers_mut().insert(header::ALLOW, allowed);
            return refusal;
        }
    };
    let caller = request.extensions().get::<Caller>().copied().unwrap_or(Caller::Visitor);
    if let Err(fault) = access.admit(&caller, border.config.visitors) {
        return Problem::from(fault).into_response();
    }
    request.extensions_mut().insert(access);
    next.run(request).await
}

/// The document as clients read it: "account" becomes the three ways to prove one. Scopes and roles
/// go into the description, since OpenAPI knows scopes only for OAuth.
pub fn publish(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        for (_, operation) in operations_mut(item) {
            let access = Access::of(operation);
            let visitors = match access {
                Access::Public | Access::NotDeclared => continue,
                Access::VisitorsToo(_) => Some(SecurityRequirement::default()),
                Access::SignedIn(_) => None,
            };
            let ways = SCHEMES.map(|scheme| SecurityRequirement::new(scheme, [] as [&str; 0]));
            operation.security = Some(visitors.into_iter().chain(ways).collect());
            let note = note(&access);
            operation.description = Some(match operation.description.take() {
                Some(text) => format!("{text}\n\n{note}"),
                None => note,
            });
        }
    }
    let components = document.components.get_or_insert_default();
    let bearer = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An access token or an API key."))
        .build();
    let value = |name: &str, text: &str| ApiKeyValue::with_description(name, text);
    let key = value(
        "X-API-Key",
        "An API key. One that must sign sends `X-Sori-Key`, `X-Sori-Timestamp`, `X-Sori-Nonce` and `X-Sori-Signature` instead.",
    );
    let cookie = value("sori_access", "The web app's. Changes need the header `X-CSRF-Token` as well.");
    components.add_security_scheme(SCHEMES[0], SecurityScheme::Http(bearer));
    components.add_security_scheme(SCHEMES[1], SecurityScheme::ApiKey(ApiKey::Header(key)));
    components.add_security_scheme(SCHEMES[2], SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
}

fn note(access: &Access) -> String {
    let (who, asked) = match access {
        Access::VisitorsToo(asked) => ("Visitors see what is public.", asked),
        Access::SignedIn(asked) => ("Signed in.", asked),
        Access::Public | Access::NotDeclared => return String::new(),
    };
    let scopes: Vec<String> = asked.scopes.iter().map(|scope| format!("`{}`", scope.as_str())).collect();
    let mut text = format!("**{who}**");
    if !scopes.is_empty() {
        text += &format!(" Scope of a key: {}.", scopes.join(", "));
    }
    if asked.role > Role::Learner {
        text += &format!(" Role: {} or above.", asked.role.as_str());
    }
    text
}

#[cfg(test)]
mod tests {
    use sori_contracts::{AccountId, Credential};
    use utoipa::openapi::path::OperationBuilder;

    use super::*;

    fn asks(words: &[&str]) -> SecurityRequirement {
        SecurityRequirement::new(ACCOUNT, words.iter().copied())
    }

    #[track_caller]
    fn check(security: Option<Vec<SecurityRequirement>>, expected: Access) {
        let operation = OperationBuilder::new().securities(security).build();
        assert_eq!(Access::of(&operation), expected);
    }

    fn asked(scopes: &[Scope], role: Role) -> Asked {
        Asked { scopes: scopes.iter().copied().collect(), role }
    }

    #[test]
    fn what_stands_beside_a_route_is_understood_or_closes_it() {
        let nobody = SecurityRequirement::default;
        check(Some(vec![nobody()]), Access::Public);
        let reads = asked(&[Scope::ScriptsRead], Role::Learner);
        check(Some(vec![nobody(), asks(&["scripts:read"])]), Access::VisitorsToo(reads));
        let edits = asked(&[Scope::ScriptsWrite], Role::Editor);
        check(Some(vec![asks(&["scripts:write", "role:editor"])]), Access::SignedIn(edits));
        check(Some(vec![asks(&[])]), Access::SignedIn(asked(&[], Role::Learner)));

        check(None, Access::NotDeclared);
        check(Some(vec![]), Access::NotDeclared);
        check(Some(vec![asks(&["scripts:raed"])]), Access::NotDeclared);
        check(Some(vec![asks(&["role:king"])]), Access::NotDeclared);
        check(Some(vec![SecurityRequirement::new("bearer", ["scripts:read"])]), Access::NotDeclared);
        check(Some(vec![nobody(), asks(&["nonsense"])]), Access::NotDeclared);
        check(Some(vec![asks(&["synth"]), asks(&["admin"])]), Access::NotDeclared);
    }

    #[test]
    fn callers_are_admitted_by_scope_and_role() {
        let member = |role, scopes: &[Scope]| {
            Caller::Account(Member {
                account: AccountId::generate(),
                role,
                scopes: scopes.iter().copied().collect(),
                credential: Credential::External,
            })
        };
        let teacher = member(Role::Teacher, &Scope::ALL);
        let editor = member(Role::Editor, &Scope::ALL);
        let key = member(Role::Admin, &[Scope::ScriptsRead]);
        let edit = Access::SignedIn(asked(&[Scope::ScriptsWrite], Role::Editor));
        let read = Access::VisitorsToo(asked(&[Scope::ScriptsRead], Role::Learner));
        for (access, caller, let_in, expected) in [
            (Access::Public, Caller::Visitor, false, Ok(())),
            (Access::NotDeclared, editor, true, Err(AccessFault::NotDeclared)),
            (read, Caller::Visitor, true, Ok(())),
            (read, Caller::Visitor, false, Err(AccessFault::InvalidToken)),
            (read, key, true, Ok(())),
            (read, member(Role::Admin, &[Scope::Synth]), true, Err(AccessFault::Forbidden)),
            (edit, Caller::Visitor, true, Err(AccessFault::InvalidToken)),
            (edit, teacher, true, Err(AccessFault::Forbidden)),
            (edit, editor, true, Ok(())),
            (edit, key, true, Err(AccessFault::Forbidden)),
        ] {
            assert_eq!(access.admit(&caller, let_in), expected, "{access:?} {caller:?}");
        }
    }
}
