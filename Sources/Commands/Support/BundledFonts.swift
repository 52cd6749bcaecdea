import Glibc

/// Fonts of the bundle, for machines without fonts.
///
/// Without any font Cairo draws letters as strokes of ASCII alone, and Fontconfig complains of its
/// missing configuration. `make dist` puts a font and a configuration beside the commands.
enum BundledFonts {
  /// Points Fontconfig to the bundle's configuration. Fontconfig looks for it at the first text.
  static func use() {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = readlink("/proc/self/exe", &path, path.count)
    let bytes = path.prefix(max(length, 0)).map { UInt8(bitPattern: $0) }
    let found = configuration(
      executable: String(decoding: bytes, as: UTF8.self),
      isSet: { getenv($0) != nil }, exists: { access($0, F_OK) == 0 })
    if let found { setenv("FONTCONFIG_FILE", found, 0) }
  }

  /// The configuration of the bundle that `executable` (an absolute path) lies in; nil where there
  /// is none, or where the user has chosen another.
  ///
  /// - Parameter isSet: whether the process has a variable.
  static func configuration(
    executable: String, isSet: (String) -> Bool, exists: (String) -> Bool
  ) -> String? {
    guard !isSet("FONTCONFIG_FILE"), !isSet("FONTCONFIG_PATH") else { return nil }
    // bin/cka → share/cka/fonts/fonts.conf
    let root = executable.split(separator: "/").dropLast(2).map { "/\($0)" }.joined()
    let path = "\(root)/share/cka/fonts/fonts.conf"
    return exists(path) ? path : nil
  }
}
