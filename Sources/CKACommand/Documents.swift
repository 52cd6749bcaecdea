import Activations
import CommandSupport
import Foundation

/// The JSON document that `cka COMMAND` wrote to `path`, if it has the format.
func readDocument<Document: Decodable>(
  at path: String, format: String, of command: String
) throws -> Document {
  let data = try documentData(at: path, of: command)
  let found = documentFormat(of: data)
  guard found == format else {
    throw Failure(
      .data,
      "\(oneLine(path)): found the format \(oneLine(found ?? "unknown")), expected \(format)")
  }
  guard let document = try? JSONDecoder().decode(Document.self, from: data) else {
    throw damagedDocument(at: path, format: format)
  }
  return document
}

/// Which format the JSON file at `path` says it has.
func documentFormat(at path: String) throws -> String? {
  documentFormat(of: try documentData(at: path, of: "compare"))
}

/// The failure of a document that does not hold what its format asks for.
func damagedDocument(at path: String, format: String) -> Failure {
  Failure(.data, "\(oneLine(path)): damaged, expected a whole \(format)")
}

private func documentFormat(of data: Data) -> String? {
  struct Version: Decodable { var format: String }
  return try? JSONDecoder().decode(Version.self, from: data).format
}

/// The bytes of the file at `path`, which `cka COMMAND` writes into its folder.
func documentData(at path: String, of command: String) throws -> Data {
  // Only regular files end, and let themselves be opened without a wait.
  guard fileType(path, following: true) == S_IFREG,
    let data = FileManager.default.contents(atPath: path)
  else {
    throw Failure(.noInput, "\(oneLine(path)): cannot be read; expected a folder of cka \(command)")
  }
  return data
}
