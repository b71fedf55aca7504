import assert from "node:assert/strict";
import { test } from "node:test";
import { CelEnvironment, type CelProgram } from "./cel-environment.ts";
import { celValue } from "./cel-value.ts";

const text = { type: "string" };
const schema = {
  type: "object",
  properties: {
    q: text,
    n: { type: "integer" },
    num: { type: "number" },
    x: { "x-kubernetes-int-or-string": true },
    list: { type: "array", items: { type: "integer" } },
    names: { type: "array", items: text },
    set: { type: "array", items: text, "x-kubernetes-list-type": "set" },
    when: { type: "string", format: "date-time" },
    d: { type: "string", format: "duration" },
    b: { type: "string", format: "byte" },
    "x-y": text,
    namespace: text,
    m: { type: "object", additionalProperties: { type: "integer" } },
  },
};
const self = celValue(schema, {
  q: "100m",
  n: 3,
  num: 1.5,
  x: 5,
  list: [3, 1, 2],
  names: ["a", "b"],
  set: ["b", "a"],
  when: "2026-01-01T00:00:00Z",
  d: "1h",
  b: "aGVsbG8=",
  "x-y": "z",
  namespace: "ns",
  m: { a: 1, b: 2 },
});

function compile(expression: string): CelProgram {
  const program = new CelEnvironment(["self"]).compile(expression);
  assert.ok(program.kind === "program", JSON.stringify(program));
  return program;
}

const TRUE = [
  "!has(self.zz) || quantity(self.zz).isGreaterThan(quantity('1'))",
  "quantity(self.q).isLessThan(quantity('1'))",
  "quantity('1Gi').add(quantity('1Gi')).compareTo(quantity('2Gi')) == 0",
  "quantity('50k').asInteger() == 50000",
  "isQuantity('10Mi') && !isQuantity('x')",
  "isIP('::1') && ip('127.0.0.1').isLoopback() && ip('10.0.0.1').family() == 4",
  "cidr('10.0.0.0/8').containsIP('10.1.2.3') && !cidr('10.0.0.0/8').containsIP(ip('11.1.2.3'))",
  "string(ip('2001:db8:0:0:0:0:0:1')) == '2001:db8::1'",
  "string(ip('::')) == '::' && string(ip('1::')) == '1::' && string(ip('::1')) == '::1' && string(ip('1:0:0:2:0:0:0:3')) == '1:0:0:2::3'",
  "isCIDR('10.0.0.0/8') && cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')",
  "url('https://example.com:443/p/a?x=1&x=2').getPort() == '443' && url('https://e.com/p?x=1').getQuery()['x'] == ['1']",
  "isURL('https://a.b') && !isURL('foo bar') && url('https://[::1]:80/').getHostname() == '::1'",
  "'abc 123'.find('[0-9]+') == '123' && 'a1b2'.findAll('[0-9]') == ['1','2']",
  "self.list.sum() == 6 && self.list.max() == 3 && self.list.min() == 1 && !self.list.isSorted()",
  "self.list.indexOf(1) == 1 && ['a','b','a'].lastIndexOf('a') == 2",
  "'hello'.replace('l','L') == 'heLLo' && 'hello'.replace('l','L',1) == 'heLlo' && 'abc'.charAt(1) == 'b'",
  "sets.contains(self.set, ['a']) && sets.equivalent(self.names, ['b','a']) && sets.intersects(self.list,[9,3])",
  "self.set == ['a','b']",
  "format.dns1123Label().validate('abc').hasValue() == false",
  "!format.named('dns1123Label').hasValue() || format.named('dns1123Label').value().validate('A_B').hasValue()",
  "isSemver('1.2.3') && semver('1.2.3').isLessThan(semver('1.3.0')) && semver('1.0.0-rc.1').isLessThan(semver('1.0.0'))",
  "optional.none().orValue('x') == 'x' && self.?opt.orValue('d') == 'd' && self.?q.orValue('d') == '100m'",
  "math.least(1,2) == 1 && math.greatest([1,5,2]) == 5 && math.greatest(1,2,3) == 3",
  "base64.encode(b'hello') == 'aGVsbG8=' && base64.decode('aGVsbG8=') == b'hello'",
  "'%s %d'.format(['a',1]) == 'a 1' && '%.2f'.format([1.5]) == '1.50' && '%s'.format([['a',1]]) == '[\"a\", 1]'",
  "self.list.all(i, v, i < 3 && v > 0)",
  "self.m.all(k, v, v > 0 && k != '') && self.m.exists(k, v, k == 'a') && self.m.all(k, k.size() == 1)",
  "self.when > timestamp('2025-01-01T00:00:00Z') && timestamp(self.when) == self.when",
  "self.d == duration('60m') && self.d > duration('1m') && duration(self.d) == self.d",
  "self.b == b'hello' && size(self.b) == 5",
  "self.x__dash__y == 'z' && self.__namespace__ == 'ns'",
  "self.names.all(x, x in ['a','b']) && self.names.exists_one(x, x == 'a') && self.names.map(x, x + '1') == ['a1','b1'] && self.names.filter(x, x.matches('^a$')) == ['a']",
  "self.names.map(x, x != 'a', x) == ['b']",
  "self.list.all(x, (x > 0) || (x < 0)) && self.list.all(x, ( ((x > 0)) ))",
  "self.names.all(x, self.names.exists(y, y == x)) && self.names.all(x, (x in (self.names)))",
  "type(self.x) == int ? self.x > 3 : self.x == 'foo'",
  "[1,'a'].size() == 2 && cel.bind(z, self.n, z == 3) && self.names.transformList(i, v, v) == ['a','b']",
  "self.names.join(',') == 'a,b' && 'a,b'.split(',') == self.names && ' x '.trim() == 'x' && 'A'.lowerAscii() == 'a' && 'abc'.substring(1) == 'bc'",
  "self.num > 1 && self.num < 2.0 && double(self.n) == 3.0 && int('5') == 5",
  "'abc'.reverse() == 'cba' && [2,1].sort() == [1,2] && [1,1].distinct() == [1]",
  "string(self.when) == '2026-01-01T00:00:00Z' && self.when.getFullYear() == 2026",
  "has(self.m.a) && 'a' in self.m && self.m['a'] == 1",
];

for (const expression of TRUE)
  test(`CEL as in Kubernetes: ${expression}`, () => assert.equal(compile(expression).evaluate({ self }), true));

const UNKNOWN: readonly [string, string, RegExp][] = [
  ["an unknown function", "!has(self.q) || foo(self.q)", /no matching overload for 'foo/],
  ["an unknown method", "self.names.foo() == 1", /no matching overload for 'dyn\.foo/],
  ["an unknown variable", "nope.x == 1", /Unknown variable: nope/],
];
for (const [name, expression, reason] of UNKNOWN)
  test(`an expression with ${name} is told as unknown when it is read`, () => {
    const problem = new CelEnvironment(["self"]).compile(expression);
    assert.ok(problem.kind === "unknown", JSON.stringify(problem));
    assert.match(problem.reason, reason);
  });

test("an expression that is none is told as such", () => {
  assert.equal(new CelEnvironment(["self"]).compile("self.n ===").kind, "syntax");
});

test("nested comprehensions over long lists stop at the budget, within each kind of them", () => {
  const many = celValue(
    {},
    Array.from({ length: 2_000 }, (_, index) => index),
  );
  for (const expression of [
    "self.all(a, self.all(b, self.all(c, a + b + c >= 0.0)))",
    "self.exists(a, self.exists(b, self.exists(c, a + b + c < 0.0)))",
    "self.map(a, self.filter(b, self.exists_one(c, a + b == c))).size() == 0",
    "self.all(i, v, self.all(j, w, v + w >= 0.0))",
    "self.all(a, self.all(b, b in self))",
  ])
    assert.throws(() => compile(expression).evaluate({ self: many }), /call cost exceeds limit for rule/, expression);
});

test("a pattern that would take hours elsewhere takes no time, and looks at the whole text", () => {
  const program = compile("self.matches('^(a+)+$')");
  assert.equal(program.evaluate({ self: "a".repeat(5_000) }), true);
  assert.equal(program.evaluate({ self: `${"a".repeat(5_000)}!` }), false);
  assert.throws(() => compile("self.matches('(?=a)')").evaluate({ self: "a" }), /error parsing regexp/);
});
