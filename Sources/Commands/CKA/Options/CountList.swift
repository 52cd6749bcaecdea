import ArgumentParser

/// Counts with commas between them: `16,32,64`.
struct CountList: ExpressibleByArgument, CustomStringConvertible {
  let values: [Int]

  init(_ values: [Int]) { self.values = values }

  /// Nil where a part is not a whole number.
  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    values = parts.compactMap { Int($0) }
    guard values.count == parts.count else { return nil }
  }

  /// Rejects values of the option that are not positive or appear twice.
  func check(_ option: String) throws {
    if let small = values.first(where: { $0 < 1 }) {
      throw ValidationError("\(option) contains \(small); each must be at least 1.")
    }
    var seen: Set<Int> = []
    if let again = values.first(where: { !seen.insert($0).inserted }) {
      throw ValidationError("\(option) contains \(again) twice.")
    }
  }

  var description: String { values.map(String.init).joined(separator: ",") }
  var defaultValueDescription: String { description }
}
