import Foundation

/// The fonts that come with a bundle of the commands, for machines that have none.
///
/// Without any font Cairo draws letters as strokes of ASCII alone, and Fontconfig complains of its
/// missing configuration. `make dist` puts a font and a configuration beside the commands.
enum BundledFonts {
  /// Points Fontconfig to the bundle's configuration, once, before the first text.
  static func use() { isConfigured }

  private static let isConfigured: Void = {
    let files = FileManager.default
    let executable = try? files.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let found = configuration(
      environment: ProcessInfo.processInfo.environment, executable: executable ?? "",
      exists: files.fileExists(atPath:))
    if let found { setenv("FONTCONFIG_FILE", found, 0) }
  }()

  /// The configuration of the bundle that `executable` (an absolute path) lies in; nil where there
  /// is none, or where the user has chosen another.
  static func configuration(
    environment: [String: String], executable: String, exists: (String) -> Bool
  ) -> String? {
    guard environment["FONTCONFIG_FILE"] == nil, environment["FONTCONFIG_PATH"] == nil else {
      return nil
    }
    // bin/cka → share/cka/fonts/fonts.conf
    let root = executable.split(separator: "/").dropLast(2).map { "/\($0)" }.joined()
    let path = "\(root)/share/cka/fonts/fonts.conf"
    return exists(path) ? path : nil
  }
}
