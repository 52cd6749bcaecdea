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

  /// Rejects values of the option outside of `range` and those that appear twice.
  func check(_ option: String, _ range: ClosedRange<Int>) throws {
    if let other = values.first(where: { !range.contains($0) }) {
      throw ValidationError(
        "\(option) contains \(other); each must be "
          + (other < range.lowerBound
            ? "at least \(range.lowerBound)." : "at most \(range.upperBound)."))
    }
    var seen: Set<Int> = []
    if let again = values.first(where: { !seen.insert($0).inserted }) {
      throw ValidationError("\(option) contains \(again) twice.")
    }
  }

  var description: String { values.map(String.init).joined(separator: ",") }
  var defaultValueDescription: String { description }
}
