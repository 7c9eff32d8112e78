//! What a person does with a page: go somewhere, find a thing by its role and name, press it, type into it, read.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{
    Page,
    protocol::{as_argument, gave_way},
};

/// How much of a page an error shows.
const EXCERPT: usize = 3000;

/// What a thing on a page is to a screen reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Goes to another page.
    Link,
    /// Does something.
    Button,
    /// Takes text.
    Textbox,
    /// Takes one of several values.
    Combobox,
    /// Names a part of the page.
    Heading,
    /// A table.
    Table,
    /// A chart or a map with its title.
    Figure,
    /// The page's own part, without what all pages share.
    Main,
}

impl Role {
    /// The role's name, as browsers compute it, and the elements that may have it.
    fn candidates(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::Link => (&["link"], "a[href], [role=link]"),
            Self::Button => (&["button", "DisclosureTriangle"], "button, input[type=submit], summary, [role=button]"),
            Self::Textbox => (&["textbox", "searchbox", "Date", "spinbutton", "InputTime", "DateTime"], "input, textarea"),
            Self::Combobox => (&["combobox", "listbox", "menu"], "select"),
            Self::Heading => (&["heading"], "h1, h2, h3, h4, h5, h6"),
            Self::Table => (&["table"], "table"),
            Self::Figure => (&["figure"], "figure"),
            Self::Main => (&["main"], "main"),
        }
    }
}

/// A thing on a page.
#[derive(Debug)]
pub struct Element<'a> {
    page: &'a Page,
    id: String,
}

impl Page {
    /// Goes to a path of the site and waits for its page.
    pub fn go(&self, path: &str) -> Result<()> {
        self.session.post("url", &json!({ "url": format!("http://{}{path}", self.site) })).map(drop)
    }

    /// Loads the page again.
    pub fn reload(&self) -> Result<()> {
        self.session.post("refresh", &json!({})).map(drop)
    }

    /// Goes back, as the browser's button does.
    pub fn back(&self) -> Result<()> {
        self.session.post("back", &json!({})).map(drop)
    }

    /// Path and query of the page that is shown.
    pub fn address(&self) -> String {
        let url = self.session.get("url").unwrap_or_default();
        crate::http::path_of(url.as_str().unwrap_or_default()).to_owned()
    }

    /// The title of the page.
    pub fn title(&self) -> Result<String> {
        text(&self.session.get("title")?)
    }

    /// All text that is shown.
    pub fn text(&self) -> Result<String> {
        text(&self.session.script("return document.body ? document.body.innerText : ''", &[])?)
    }

    /// Things of this role, those of this accessible name where one is given. Names are compared without regard to case and outer blanks.
    pub fn all(&self, role: Role, name: Option<&str>) -> Result<Vec<Element<'_>>> {
        let (roles, css) = role.candidates();
        let mut found = Vec::new();
        for id in self.session.elements(css)? {
            let element = Element { page: self, id };
            // A page that refreshes itself may take an element away between two questions.
            let (its_role, its_name) = match element.role_and_name() {
                Err(error) if gave_way(&error) => continue,
                other => other?,
            };
            if roles.contains(&its_role.as_str()) && name.is_none_or(|name| its_name.trim().eq_ignore_ascii_case(name)) {
                found.push(element);
            }
        }
        Ok(found)
    }

    /// The first thing of this role and name; waits until there is one.
    pub fn the(&self, role: Role, name: &str) -> Result<Element<'_>> {
        let id = self.until(&format!("the {role:?} `{name}`"), |page| {
            Ok(page.all(role, Some(name))?.into_iter().next().map(|element| element.id))
        })?;
        Ok(Element { page: self, id })
    }

    /// The field for a secret with this label. Browsers give such a field no role, so that nothing reads it out.
    pub fn the_secret(&self, label: &str) -> Result<Element<'_>> {
        let id = self.until(&format!("the secret field `{label}`"), |page| {
            let fields = page.session.elements("input[type=password]")?.into_iter().map(|id| Element { page, id });
            let mut named =
                fields.filter_map(|field| field.role_and_name().ok().filter(|(_, name)| name.trim() == label).map(|_| field.id));
            Ok(named.next())
        })?;
        Ok(Element { page: self, id })
    }

    /// The cells of a table's column, by the words in its head.
    pub fn column(&self, head: &str) -> Result<Vec<String>> {
        let script = "for (const table of document.querySelectorAll('table')) { \
                      const heads = [...table.querySelectorAll('thead tr:first-child > *')]; \
                      const at = heads.findIndex(cell => cell.innerText.trim().split(/\\s/)[0] === arguments[0]); \
                      if (at >= 0) return [...table.tBodies[0].rows].map(row => row.cells[at].innerText.trim()); } return null;";
        let cells = self.session.script(script, &[json!(head)])?;
        ensure!(!cells.is_null(), "no table has a column `{head}`:\n{}", self.excerpt());
        serde_json::from_value(cells).context("a list of cells")
    }

    /// Where links lead whose address contains this.
    pub fn links_to(&self, part: &str) -> Result<Vec<String>> {
        let script = "return [...document.links].map(link => link.href).filter(address => address.includes(arguments[0]))";
        serde_json::from_value(self.session.script(script, &[json!(part)])?).context("a list of addresses")
    }

    /// Waits until the charts of the page are drawn, its fonts are there, and nothing moves any more.
    pub fn settled(&self) -> Result<()> {
        let script = "const done = arguments[arguments.length - 1]; \
                      document.fonts.ready.then(() => requestAnimationFrame(() => requestAnimationFrame(() => done(null))));";
        self.session.script_later(script, &[])?;
        // Charts are drawn when somebody comes near them.
        self.until("the drawings of all charts", |page| {
            let next = "const next = [...document.querySelectorAll('figure [data-chart]')].find(part => !part.querySelector('canvas, svg')); \
                        if (next) next.scrollIntoView({block: 'center', behavior: 'instant'}); \
                        else window.scrollTo({top: 0, behavior: 'instant'}); return !next;";
            Ok((page.session.script(next, &[])? == json!(true)).then_some(()))
        })
    }

    /// The names of all things of a role: what an error shows, and what a test compares.
    pub fn names(&self, role: Role) -> Result<Vec<String>> {
        let all = self.all(role, None)?;
        all.iter().map(|element| Ok(element.role_and_name()?.1.trim().to_owned())).collect()
    }

    /// Waits until the page shows a text.
    pub fn shows(&self, wanted: &str) -> Result<()> {
        self.until(&format!("the text `{wanted}`"), |page| Ok(page.text()?.contains(wanted).then_some(())))
    }

    /// Waits until the path or query of the address contains this.
    pub fn arrives_at(&self, wanted: &str) -> Result<()> {
        self.until(&format!("an address with `{wanted}`"), |page| Ok(page.address().contains(wanted).then_some(())))
    }

    /// Turns the page's own scripts off or on for pages that are loaded from now on.
    pub fn scripts(&self, on: bool) -> Result<()> {
        self.session.devtools("Emulation.setScriptExecutionDisabled", &json!({ "value": !on })).map(drop)
    }

    /// Presses a key where the focus is; the protocol has code points of its own for keys without a letter, `\u{e004}` is Tab.
    pub fn press(&self, key: &str) -> Result<()> {
        let actions = json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        self.session.post("actions", &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] })).map(drop)
    }

    /// The thing that has the focus; none where the whole page has it, as between its last stop and its first.
    pub fn focused(&self) -> Result<Option<Element<'_>>> {
        if self.session.script("return document.activeElement === document.body", &[])? == json!(true) {
            return Ok(None);
        }
        let found = self.session.get("element/active")?;
        let id = found.as_object().and_then(|object| object.values().next()).and_then(Value::as_str);
        Ok(Some(Element { page: self, id: id.context("an element has the focus")?.to_owned() }))
    }

    /// The start of what the page says, for an error.
    pub(super) fn excerpt(&self) -> String {
        self.text().unwrap_or_default().chars().take(EXCERPT).collect()
    }
}

impl Element<'_> {
    /// Its role and its accessible name, as the browser computes them.
    pub fn role_and_name(&self) -> Result<(String, String)> {
        Ok((text(&self.ask("computedrole")?)?, text(&self.ask("computedlabel")?)?))
    }

    /// Presses it.
    pub fn click(&self) -> Result<()> {
        self.tell("click", &json!({}))
    }

    /// Types a text in place of what is there.
    pub fn fill(&self, with: &str) -> Result<()> {
        self.tell("clear", &json!({}))?;
        self.tell("value", &json!({ "text": with }))
    }

    /// Sets a field that has a calendar or a slider of its own, whose keys depend on the language of the browser.
    pub fn set(&self, value: &str) -> Result<()> {
        let script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', {bubbles: true})); \
                      arguments[0].dispatchEvent(new Event('change', {bubbles: true}));";
        self.page.session.script(script, &[as_argument(&self.id), json!(value)]).map(drop)
    }

    /// Chooses one of a combobox's options by its text or its value.
    pub fn choose(&self, option: &str) -> Result<()> {
        let script = "const options = [...arguments[0].options]; \
                      const found = options.find(o => o.text.trim() === arguments[1] || o.value === arguments[1]); \
                      if (!found) return options.map(o => o.text.trim()); \
                      arguments[0].value = found.value; arguments[0].dispatchEvent(new Event('input', {bubbles: true})); \
                      arguments[0].dispatchEvent(new Event('change', {bubbles: true})); return null;";
        let others = self.page.session.script(script, &[as_argument(&self.id), json!(option)])?;
        ensure!(others.is_null(), "there is no option `{option}`, there are {others}");
        Ok(())
    }

    /// Chooses an option by its value with the keyboard: for pages whose scripts are off.
    pub fn pick(&self, option: &str) -> Result<()> {
        self.tell("value", &json!({ "text": option }))
    }

    /// The text that it shows.
    pub fn text(&self) -> Result<String> {
        text(&self.ask("text")?)
    }

    /// An attribute as it stands in the page.
    pub fn attribute(&self, name: &str) -> Result<Option<String>> {
        Ok(self.ask(&format!("attribute/{name}"))?.as_str().map(str::to_owned))
    }

    /// How many elements inside it a CSS selector finds: for what has no role, as a chart's canvas.
    pub fn count(&self, css: &str) -> Result<u64> {
        let count =
            self.page.session.script("return arguments[0].querySelectorAll(arguments[1]).length", &[as_argument(&self.id), json!(css)])?;
        count.as_u64().context("a number of elements")
    }

    fn ask(&self, what: &str) -> Result<Value> {
        self.page.session.get(&format!("element/{}/{what}", self.id))
    }

    fn tell(&self, what: &str, body: &Value) -> Result<()> {
        self.page.session.post(&format!("element/{}/{what}", self.id), body).map(drop)
    }
}

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("a text was expected, it is {value}"))
}
