# What Debian wants of every package and cmake does not do: compressed manual pages and changelogs,
# the same bytes each time.  CPack runs this when everything is installed below its own directory.
file(GLOB_RECURSE files LIST_DIRECTORIES OFF
  ${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/man/*
  ${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/doc/*/changelog*)
list(FILTER files EXCLUDE REGEX "\\.gz$")
if(files)
  execute_process(COMMAND gzip -9n -- ${files} COMMAND_ERROR_IS_FATAL ANY)
endif()
