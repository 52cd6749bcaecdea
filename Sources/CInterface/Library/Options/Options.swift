import FoundationEssentials
import Support

/// Some keys of the JSON object that a call takes.
protocol OptionGroup: Decodable {
  associatedtype CodingKeys: CodingKey & CaseIterable
}

extension OptionGroup {
  fileprivate static var keys: [String] { CodingKeys.allCases.map(\.stringValue) }
}

/// The groups of options in `json`; where it is NULL, none is given.
///
/// - Throws: `Failure` where it is no JSON object, a value is of another type, or a key is in none of the groups.
func options<each Group: OptionGroup>(
  _ json: UnsafePointer<CChar>?, _ groups: repeat (each Group).Type
) throws(Failure) -> (repeat each Group) {
  let data = Data((json == nil ? "{}" : try text(json, "options")).utf8)
  let names = try decoded(Keys.self, from: data).names
  var known: Set<String> = []
  repeat known.formUnion((each Group).keys)
  if let name = names.first(where: { !known.contains($0) }) {
    throw Failure(
      .usage,
      "options: there is no \"\(oneLine(name))\" here; there are "
        + known.sorted().joined(separator: ", "))
  }
  return (repeat try decoded((each Group).self, from: data))
}

/// The keys of an object, whatever they are called.
private struct Keys: Decodable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  let names: [String]

  init(from decoder: any Decoder) throws {
    names = try decoder.container(keyedBy: Key.self).allKeys.map(\.stringValue)
  }
}

private func decoded<Value: Decodable>(
  _ type: Value.Type, from data: Data
) throws(Failure) -> Value {
  do {
    return try JSONDecoder().decode(type, from: data)
  } catch let error as DecodingError {
    throw Failure(.usage, "options: \(words(error))")
  } catch {
    throw Failure(.usage, "options: \(oneLine("\(error)"))")
  }
}

private func words(_ error: DecodingError) -> String {
  let expected = "expected a JSON object whose numbers are in range"
  switch error {
  case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
    let key = context.codingPath.map(\.stringValue).joined(separator: ".")
    return key.isEmpty ? expected : "\(oneLine(key)): expected \(type)"
  default: return expected
  }
}

/// One of the cases of an enumeration, by its name.
func choice<Choice: RawRepresentable & CaseIterable>(
  _ text: String?, _ key: String, or usual: Choice
) throws(Failure) -> Choice where Choice.RawValue == String {
  guard let text else { return usual }
  guard let choice = Choice(rawValue: text) else {
    throw Failure(
      .usage,
      "options: \(key) is \"\(oneLine(text))\"; there are "
        + Choice.allCases.map(\.rawValue).joined(separator: ", "))
  }
  return choice
}

/// A number within a range.
func number<Value: Comparable>(
  _ value: Value?, within range: ClosedRange<Value>, _ key: String, or usual: Value
) throws(Failure) -> Value {
  guard let value else { return usual }
  guard range.contains(value) else {
    throw Failure(
      .usage,
      "options: \(key) is \(value); it must be between \(range.lowerBound) and \(range.upperBound)")
  }
  return value
}
